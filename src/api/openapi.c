/*
 * openapi.c -- GET /api/openapi.json: the route table as OpenAPI 3.1. Routes without a summary are
 * left out.
 */
#include "api/answer.h"
#include "api/api.h"
#include "api/handlers.h"
#include "manage/manage.h"

#include <stdio.h>

static void put(struct json_out *json, const char *name, const char *value)
{
    answer_name(json, name);
    json_str(json, str_from(value));
}

static void put_param(struct json_out *json, const char *where, struct str name,
                      const char *meaning, enum http_param_use use)
{
    json_open(json, '{');
    answer_str(json, "name", name);
    put(json, "in", where);
    put(json, "description", meaning);
    answer_name(json, "required");
    json_bool(json, use == HTTP_PARAM_REQUIRED);
    answer_name(json, "schema");
    if (use == HTTP_PARAM_REPEATED)
        json_raw(json, STR("{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"));
    else
        json_raw(json, STR("{\"type\":\"string\"}"));
    json_close(json, '}');
}

/* The name between { and } of a path; empty: none. */
static struct str path_param(const char *path)
{
    struct str all = str_from(path);
    size_t open = str_find(all, 0, '{');

    return open == all.len ? STR("") : str_slice(all, open + 1, str_find(all, open, '}'));
}

static void put_params(struct json_out *json, const struct http_route *route)
{
    struct str in_path = path_param(route->path);

    answer_name(json, "parameters");
    json_open(json, '[');
    if (in_path.len > 0)
        put_param(json, "path", in_path, "which one", HTTP_PARAM_REQUIRED);
    for (const struct http_param *p = route->params; p != NULL && p->name != NULL; p++)
        put_param(json, "query", str_from(p->name), p->meaning, p->use);
    json_close(json, ']');
}

static void put_responses(struct json_out *json, const struct http_route *route)
{
    answer_name(json, "responses");
    json_open(json, '{');
    answer_name(json, route->status != NULL ? route->status : "200");
    json_open(json, '{');
    put(json, "description", route->answer != NULL ? route->answer : "done");
    json_close(json, '}');
    answer_name(json, "default");
    json_raw(json, STR("{\"description\":\"RFC 9457\",\"content\":{\"application/problem+json\":"
                       "{\"schema\":{\"$ref\":\"#/components/schemas/problem\"}}}}"));
    json_close(json, '}');
}

static void put_body(struct json_out *json, const char *schema)
{
    json_open(json, '{');
    answer_name(json, "required");
    json_bool(json, true);
    answer_name(json, "content");
    json_open(json, '{');
    answer_name(json, "application/json");
    json_open(json, '{');
    if (schema != NULL) {
        char ref[64];

        (void)snprintf(ref, sizeof(ref), "#/components/schemas/%s", schema);
        answer_name(json, "schema");
        json_open(json, '{');
        put(json, "$ref", ref);
        json_close(json, '}');
    }
    json_close(json, '}');
    json_close(json, '}');
    json_close(json, '}');
}

static void put_operation(struct json_out *json, const struct http_route *route)
{
    static const struct {
        const char *method, *name;
    } names[] = {
        {"GET", "get"}, {"POST", "post"}, {"PUT", "put"}, {"PATCH", "patch"}, {"DELETE", "delete"}};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i].method, route->method) == 0)
            answer_name(json, names[i].name);
    json_open(json, '{');
    put(json, "summary", route->summary);
    put(json, "x-access", route->access);
    answer_name(json, "security");
    json_raw(json, strcmp(route->access, "none") == 0 ? STR("[]")
                                                      : STR("[{\"bearer\":[]},{\"session\":[]}]"));
    put_params(json, route);
    if (route->body_max > 0) {
        answer_name(json, "requestBody");
        put_body(json, route->body);
    }
    put_responses(json, route);
    json_close(json, '}');
}

/* Routes of one path stand together in the table. */
static void put_paths(struct json_out *json, unsigned roles)
{
    size_t count;
    const struct http_route *routes = api_routes(&count);
    const char *path = NULL;

    answer_name(json, "paths");
    json_open(json, '{');
    for (size_t i = 0; i < count; i++) {
        if (routes[i].summary == NULL || (routes[i].group != 0 && (routes[i].group & roles) == 0))
            continue;
        if (path == NULL || strcmp(path, routes[i].path) != 0) {
            if (path != NULL)
                json_close(json, '}');
            path = routes[i].path;
            answer_name(json, path);
            json_open(json, '{');
        }
        put_operation(json, &routes[i]);
    }
    if (path != NULL)
        json_close(json, '}');
    json_close(json, '}');
}

/* -- schemas ----------------------------------------------------------------------------------- */

static const char PROBLEM[] =
    "{\"type\":\"object\",\"required\":[\"type\",\"title\",\"status\",\"detail\"],\"properties\":{"
    "\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},\"status\":{\"type\":"
    "\"integer\"},\"detail\":{\"type\":\"string\"},\"parameter\":{\"type\":\"string\"},\"field\":{"
    "\"type\":\"string\"}}}";

/* What is not needed may be null, both ways. */
static void put_member(struct json_out *json, struct str name, const struct manage_member *member)
{
    json_name(json, name);
    json_open(json, '{');
    answer_name(json, "type");
    if (!member->required)
        json_open(json, '[');
    json_str(json, str_from(member->type));
    if (!member->required) {
        json_str(json, STR("null"));
        json_close(json, ']');
    }
    put(json, "description", member->meaning);
    if (member->read_only) {
        answer_name(json, "readOnly");
        json_bool(json, true);
    }
    json_close(json, '}');
}

static void close_group(struct json_out *json)
{
    json_close(json, '}');
    json_close(json, '}');
}

/* Those with a dot, which stand together, are members of an object. */
static void put_members(struct json_out *json, const struct manage_member *members)
{
    struct str open = STR("");

    for (; members->name != NULL; members++) {
        struct str name = str_from(members->name);
        size_t dot = str_find(name, 0, '.');
        struct str group = dot < name.len ? str_slice(name, 0, dot) : STR("");

        if (open.len > 0 && !str_eq(open, group))
            close_group(json);
        if (group.len > 0 && !str_eq(open, group)) {
            json_name(json, group);
            json_open(json, '{');
            answer_name(json, "type");
            json_raw(json, STR("[\"object\",\"null\"]"));
            answer_name(json, "properties");
            json_open(json, '{');
        }
        open = group;
        put_member(json, group.len > 0 ? str_slice(name, dot + 1, name.len) : name, members);
    }
    if (open.len > 0)
        close_group(json);
}

static void put_resource(struct json_out *json, enum manage_kind kind)
{
    const struct manage_member *members = manage_members(kind);

    json_open(json, '{');
    put(json, "type", "object");
    answer_name(json, "required");
    json_open(json, '[');
    for (size_t i = 0; members[i].name != NULL; i++)
        if (members[i].required)
            json_str(json, str_from(members[i].name));
    json_close(json, ']');
    answer_name(json, "properties");
    json_open(json, '{');
    put_members(json, members);
    json_close(json, '}');
    json_close(json, '}');
}

static void put_schemas(struct json_out *json)
{
    answer_name(json, "schemas");
    json_open(json, '{');
    answer_name(json, "problem");
    json_raw(json, str_from(PROBLEM));
    for (unsigned kind = 0; kind < MANAGE_KINDS; kind++) {
        answer_name(json, manage_name((enum manage_kind)kind));
        put_resource(json, (enum manage_kind)kind);
    }
    json_close(json, '}');
}

void openapi_get(const struct http_request *request, struct http_response *response)
{
    const struct api *api = request->app;
    struct json_out json = {.buf = &response->body};

    json_open(&json, '{');
    put(&json, "openapi", "3.1.0");
    answer_name(&json, "info");
    json_open(&json, '{');
    put(&json, "title", "Abacus");
    put(&json, "version", ABACUS_VERSION);
    json_close(&json, '}');
    put_paths(&json, api->roles);
    answer_name(&json, "components");
    json_open(&json, '{');
    answer_name(&json, "securitySchemes");
    json_raw(&json,
             STR("{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"},\"session\":{\"type\":"
                 "\"apiKey\",\"in\":\"cookie\",\"name\":\"abacus_session\"}}"));
    put_schemas(&json);
    json_close(&json, '}');
    json_close(&json, '}');
}
