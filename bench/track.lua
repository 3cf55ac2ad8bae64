-- wrk: the POST of a pageview, as a browser sends it.
wrk.method = "POST"
wrk.body = '{"event":"pageview","siteId":"bench-1","path":"/pricing?utm_source=x","referrer":"https://www.google.com/","title":"Pricing"}'
wrk.headers["Content-Type"] = "text/plain;charset=UTF-8"
wrk.headers["Origin"] = "https://bench.example"
wrk.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"
