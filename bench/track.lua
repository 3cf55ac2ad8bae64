-- wrk -s track.lua URL -- FILE [unique]: the requests of FILE in turn (bench/requests.mjs writes it);
-- with `unique` each User-Agent ends with a number that no other has.
local before, after = {}, {}
local n, unique = 0, false

-- A line each, with tabs between: User-Agent, Accept-Language, address, body.
function init(args)
  for line in io.lines(args[1]) do
    local agent, language, address, body = line:match("^(.-)\t(.-)\t(.-)\t(.*)$")
    local text = wrk.format("POST", wrk.path, {
      ["Host"] = wrk.headers["Host"],
      ["Content-Type"] = "text/plain;charset=UTF-8",
      ["Origin"] = "https://bench.example",
      ["Accept-Language"] = language,
      ["X-Forwarded-For"] = address,
      ["User-Agent"] = agent .. "\1",
    }, body)
    before[#before + 1], after[#after + 1] = text:match("^(.-)\1(.*)$")
  end
  unique = args[2] == "unique"
end

function request()
  local i = n % #before + 1
  n = n + 1
  if unique then
    return before[i] .. " " .. n .. after[i]
  end
  return before[i] .. after[i]
end
