#include "exporters/snowflake/query_tags.h"

#include "exporters/snowflake/groups.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::snowflake;

namespace {

Inserts inserts_of(const std::string& keys) {
  Inserts inserts;
  const auto entry = Yaml::parse("query_tag_keys: " + keys, "snowflake.yml");
  insert_query_tag_keys(entry, inserts);
  entry.finish();
  return inserts;
}

std::string refusal(const std::string& keys) {
  return error_of(Reason::config, [&] { inserts_of(keys); });
}

std::string keys(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += (i > 0 ? ", k" : "k") + std::to_string(i);
  return text;
}

}  // namespace

TEST_CASE("the statement asks for the keys of the account") {
  const std::chrono::sys_seconds lo(std::chrono::hours(1)), hi(std::chrono::hours(2));
  const auto text =
      text_of(kQueryTagsGroup.statements[0], lo, hi, inserts_of("[team, cost-center.v2]"));
  CHECK_THAT(text, Catch::Contains("FROM VALUES ('team'), ('cost-center.v2'))"));
  CHECK_THAT(text, Catch::Contains("CASE TAG_KEY WHEN 'team' THEN TAGS:\"team\"::VARCHAR WHEN "
                                   "'cost-center.v2' THEN TAGS:\"cost-center.v2\"::VARCHAR END"));
  CHECK_THAT(text, !Catch::Contains("{query"));
}

TEST_CASE("keys are a list, or a text with commas as a flag is") {
  CHECK(inserts_of("[team, stage]") == inserts_of("team,stage"));
  CHECK(inserts_of("[]").empty());
  CHECK(inserts_of("[" + keys(10) + "]").size() == 2);
  CHECK(inserts_of('[' + std::string(60, 'k') + ']').size() == 2);
}

TEST_CASE("what could become SQL is no key, nor what is there twice or too much") {
  const auto* const expected = "snowflake.yml:1:17: query_tag_keys: expected up to 10 names";
  for (const auto* key :
       {"\"a'b\"", "'a\"b'", "'a\\b'", "'a b'", "'a;'", "'a{lo}'", "'\xC3\xA6'", "''", "'a\nb'"}) {
    INFO(key);
    CHECK_THAT(refusal('[' + std::string(key) + ']'), Catch::StartsWith(expected));
  }
  CHECK_THAT(refusal("[a, b, a]"), Catch::StartsWith(expected));
  CHECK_THAT(refusal("'a,,b'"), Catch::StartsWith(expected));
  CHECK_THAT(refusal("[" + keys(11) + "]"), Catch::StartsWith(expected));
  CHECK_THAT(refusal('[' + std::string(61, 'k') + ']'), Catch::StartsWith(expected));
}
