"""The expected results of the statements that attribute credits to dbt's nodes, Airflow's DAGs and keys of
query tags."""

import json
import re

from truth import add_up, bucket, count_if, label, newest, total, within

FRONT = re.compile(r" */\* (\{\".*?)\*/", re.S)
END = re.compile(r"/\* (\{\"(?:(?!\*/).)*)\*/[; \r\n]*\Z", re.S)
DAY = 86_400_000


def read(text):
    try:
        return json.loads(text)
    except ValueError:
        return None


def comment_of(text):
    """dbt's comment at the end or at the start of the statement, or another comment; without a node_id that
    is no node."""
    at_end, in_front = (found and read(found[1]) for found in (END.search(text or ""), FRONT.match(text or "")))
    comment = at_end if at_end and at_end.get("app") == "dbt" else in_front or at_end or {}
    return {name: value for name, value in comment.items() if (name, value) != ("node_id", "internal")}


def said_by(tag):
    """The contents of a tag that is a JSON object or a printed Python dictionary."""
    said = read(tag) or read(tag.replace("'", '"'))
    return said if isinstance(said, dict) else {}


def owner_of(row, text, results=None):
    """The owner of a statement. `results` has dbt's nodes and targets by query id, for statements that name no node."""
    tag = row["QUERY_TAG"] or ""
    said = (comment_of(text), said_by(tag))

    def first(name):
        return next((each[name] for each in said if name in each), "")

    is_dbt = first("app") == "dbt"
    tool = "dbt" if is_dbt else "airflow" if first("dag_id") else "other" if tag else "none"
    node, target = (first("node_id"), first("target_name")) if is_dbt else ("", "")
    if not node and row["QUERY_ID"] in (results or ()):
        tool, (node, other) = "dbt", results[row["QUERY_ID"]]
        target = target or other
    return {"tool": tool, "package": node.split(".")[1] if node else "", "target": target,
            "dag_id": first("dag_id"), "unique_id": node}  # fmt: skip


def attribution(rows, queries, window, results=None):
    low, high = window.seconds[0] * 1000 - DAY, window.seconds[-1] * 1000 + DAY
    texts = {query["QUERY_ID"]: query["QUERY_TEXT"] for query in queries if low <= query["END_TIME"] < high}
    owned = [row | owner_of(row, texts.get(row["QUERY_ID"]), results) for row in within(rows, "END_TIME", window)]
    return by_owner(owned)


KEYS = ("team", "dag_id", "Cost.center-1")


def value_of(row, key):
    """The value of a key in the tag as text: of a text, a number or a boolean."""
    value = said_by(row["QUERY_TAG"] or "").get(key)
    if value is None or isinstance(value, dict | list) or str(value)[:1] in ("{", "["):
        return ""
    return str(value).lower()[:100] if isinstance(value, bool) else str(value)[:100]


def query_tags(rows, window):
    tagged = [row | {"KEY": key, "VALUE": value_of(row, key)}
              for row in within(rows, "END_TIME", window) for key in KEYS]  # fmt: skip
    return add_up(tagged, {"L_WAREHOUSE": label("WAREHOUSE_NAME"), "L_KEY": label("KEY"), "L_VALUE": label("VALUE"),
                           "B": bucket("END_TIME", 3600)},
                  V_CREDITS=total("CREDITS_ATTRIBUTED_COMPUTE"), NEWEST=newest("END_TIME"))  # fmt: skip


def by_owner(rows):
    """The credits of the rows by owner."""
    owners = {f"L_{name.upper()}": (lambda row, name=name: row[name])
              for name in ("tool", "package", "target", "dag_id", "unique_id")}  # fmt: skip
    credits = total("CREDITS_ATTRIBUTED_COMPUTE")
    return add_up(rows, {"L_WAREHOUSE": label("WAREHOUSE_NAME"), **owners, "B": bucket("END_TIME", 3600)},
                  V_STATEMENTS=count_if(), V_CREDITS=credits,
                  V_NODE_CREDITS=lambda group: credits(group) if group[0]["unique_id"] else None,
                  NEWEST=newest("END_TIME"))  # fmt: skip
