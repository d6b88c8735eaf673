#include "exporters/snowflake/query_tags.h"

#include <algorithm>
#include <set>

#include "common/base/text.h"
#include "exporters/snowflake/group_module.h"
#include "exporters/snowflake/groups.h"

namespace exporter::snowflake {
namespace {

using std::chrono::hours;

constexpr std::size_t kMostKeys = 10, kLongestKey = 60;

constexpr auto kCredits =
    counter("snowflake_query_tag_credits_total",
            "Compute credits that Snowflake attributes to statements, by the value of a key of "
            "query_tag_keys in their query tag. value is empty for statements without it, so the "
            "sum over a key is that of all. The 50 largest values of a key are shown, each from "
            "when it became one; value is other for the rest.",
            "account", "warehouse", "key", "value");
constexpr MetricView kMetrics[] = {kCredits};

constexpr std::string_view kLabels[] = {"L_WAREHOUSE", "L_KEY", "L_VALUE"};
constexpr Value kValues[] = {{"V_CREDITS", kCredits}};
constexpr Top kLargest{"L_VALUE", 50, "V_CREDITS", "L_KEY"};

/// In SQL a path must be a literal, so there is a CASE for each key. A value that starts like a
/// JSON object or list counts as empty.
constexpr UsageStatement kStatements[] = {
    {.name = "query_tags",
     .text = R"(WITH STATEMENTS AS (
  SELECT WAREHOUSE_NAME, END_TIME, COALESCE(CREDITS_ATTRIBUTED_COMPUTE, 0) AS CREDITS,
    COALESCE(TRY_PARSE_JSON(QUERY_TAG), TRY_PARSE_JSON(REPLACE(QUERY_TAG, '''', '"'))) AS TAGS
  FROM SNOWFLAKE.ACCOUNT_USAGE.QUERY_ATTRIBUTION_HISTORY
  WHERE END_TIME >= TO_TIMESTAMP_LTZ({lo}) AND END_TIME < TO_TIMESTAMP_LTZ({hi})
), TAGGED AS (
  SELECT WAREHOUSE_NAME, END_TIME, CREDITS, TAG_KEY, COALESCE(CASE TAG_KEY {query_tag_values} END, '') AS TAG_VALUE
  FROM STATEMENTS CROSS JOIN (SELECT COLUMN1 AS TAG_KEY FROM VALUES {query_tag_keys})
)
SELECT COALESCE(WAREHOUSE_NAME, '') AS L_WAREHOUSE,
  TAG_KEY AS L_KEY,
  CASE WHEN TAG_VALUE LIKE '{%' OR TAG_VALUE LIKE '[%' THEN '' ELSE LEFT(TAG_VALUE, 100) END AS L_VALUE,
  DATE_PART(EPOCH_SECOND, DATE_TRUNC('HOUR', END_TIME)) AS B,
  SUM(CREDITS) AS V_CREDITS,
  MAX(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', END_TIME))) AS NEWEST
FROM TAGGED
GROUP BY 1, 2, 3, 4)",
     .labels = kLabels,
     .bucket = hours(1),
     .horizon = hours(24),
     .counters = kValues,
     .top = &kLargest},
};

/// Only characters without a meaning in SQL.
bool is_key(std::string_view text) {
  const auto is_good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_-.:").find(c) != std::string_view::npos;
  };
  return !text.empty() && text.size() <= kLongestKey && std::ranges::all_of(text, is_good);
}

/// A list, or a flag's comma-separated text.
std::vector<std::string> texts_of(const Yaml& value) {
  std::vector<std::string> texts;
  if (value.is_sequence()) {
    for (const auto& item : value.items()) texts.push_back(item.string());
    return texts;
  }
  const auto text = value.string() + ',';
  for (std::string_view rest = text; !rest.empty();) {
    texts.emplace_back(next_part(rest, ','));
  }
  return texts;
}

}  // namespace

void insert_query_tag_keys(const Yaml& entry, Inserts& inserts) {
  const auto value = entry.optional("query_tag_keys");
  if (!value || (value->is_sequence() && value->is_empty())) return;
  const auto keys = texts_of(*value);
  const std::set<std::string> different(keys.begin(), keys.end());
  if (different.size() != keys.size() || keys.size() > kMostKeys ||
      !std::ranges::all_of(keys, is_key)) {
    value->fail(
        "expected up to 10 names, each once, of up to 60 letters, digits and the characters "
        "_ - . :");
  }
  std::string names, values;
  for (const auto& key : keys) {
    names += (names.empty() ? "('" : ", ('") + key + "')";
    values +=
        (values.empty() ? "WHEN '" : " WHEN '") + key + "' THEN TAGS:\"" + key + "\"::VARCHAR";
  }
  inserts["query_tag_keys"] = names;
  inserts["query_tag_values"] = values;
}

/// The view has the tags, so the role need not be able to read the texts of statements.
constinit const Group kQueryTagsGroup{"query_tags", hours(6), kStatements, "USAGE_VIEWER",
                                      "query_tag_keys"};

constinit const Module kQueryTags = group_module<kQueryTagsGroup>(kMetrics);

}  // namespace exporter::snowflake
