"""Who ran a statement, according to dbt's comment in it and to keys of its query tag."""

import json

OPEN, CLOSE = '/* {"', "*/"
DAY = 86400


def read_object(text):
    """The object in a text that is JSON or a printed Python dictionary; otherwise empty."""
    for written in (text, text.replace("'", '"')):
        try:
            found = json.loads(written)
        except ValueError:
            continue
        return found if isinstance(found, dict) else {}
    return {}


def comment_of(text):
    """dbt's comment, at the start of a statement up to dbt 1.9 and at its end since; otherwise another comment."""
    last = text.rpartition(OPEN)[2].rstrip(" ;\r\n")
    at_end = read_inner(last) if last.find(CLOSE) == len(last) - len(CLOSE) else {}
    if at_end.get("app") != "dbt" and text.lstrip(" ").startswith(OPEN):
        return read_inner(text.lstrip(" ").removeprefix(OPEN)) or at_end
    return at_end


def read_inner(text):
    """The contents of a comment, of which `text` follows the first quote."""
    try:
        return json.loads('{"' + text.partition(CLOSE)[0])
    except ValueError:
        return {}


def owner(text, tag, result=("", "")):
    """The labels of a statement, except its warehouse. `result` has its node and target from dbt's results."""
    comment = comment_of(text)
    if comment.get("node_id") == "internal":  # statements of dbt outside of nodes
        del comment["node_id"]
    said = (comment, read_object(tag))

    def first(name):
        return next((one[name] for one in said if one.get(name) is not None), "")

    is_dbt, dag_id = first("app") == "dbt", first("dag_id")
    node, target = (first("node_id"), first("target_name")) if is_dbt else ("", "")
    if not node and result[0]:
        is_dbt, node, target = True, result[0], target or result[1]
    tool = "dbt" if is_dbt else "airflow" if dag_id else "other" if tag else "none"
    package = node.split(".")[1] if "." in node else ""
    return {"L_TOOL": tool, "L_PACKAGE": package, "L_TARGET": target,
            "L_DAG_ID": dag_id, "L_UNIQUE_ID": node}


def tag_value(tag, key):
    """The value of a key as text; empty if it is an object or a list."""
    value = read_object(tag).get(key)
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    return "" if text.startswith(("{", "[")) else text[:100]


def with_tags(rows, _, request):
    """The rows of QUERY_ATTRIBUTION_HISTORY, one for each requested key."""
    return [row | {"L_KEY": key, "L_VALUE": tag_value(row.get("QUERY_TAG") or "", key)}
            for row in rows for key in request.keys]


def with_owners(rows, usage, request):
    """The rows of QUERY_ATTRIBUTION_HISTORY with their owners, found by texts from a day around the bounds."""
    queries = usage.visible("QUERY_HISTORY", request.now, request.low - DAY, request.high + DAY)
    texts = {query["QUERY_ID"]: query.get("QUERY_TEXT") for query in queries}
    return [row | owner(texts.get(row["QUERY_ID"]) or "", row.get("QUERY_TAG") or "",
                        request.results.get(row["QUERY_ID"], ("", ""))) for row in rows]
