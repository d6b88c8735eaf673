#include "exporters/snowflake/dbt_results.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "common/base/time.h"
#include "tests/support/temporary_directory.h"

using exporter::format_rfc3339;
using exporter::snowflake::DbtResults;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::seconds;

namespace {

constexpr DbtResults::Time kNow(seconds(1'800'000'000));

std::string id(int number) {
  const auto digits = std::to_string(100'000 + number);
  return "01b2c3d4-0000-abcd-0000-000000" + digits;
}

std::string result(const std::string& id, const std::string& node) {
  return R"({"status": "success", "timing": [], "adapter_response": {"query_id": ")" + id +
         R"(", "rows_affected": 1}, "unique_id": ")" + node + R"("})";
}

/// A project whose commands overwrite its results.
class Project {
 public:
  std::string write(const std::string& results, DbtResults::Time at = kNow,
                    const std::string& target = R"("prod")", const std::string& name = "a") {
    return write_text(R"({"metadata": {"generated_at": ")" + format_rfc3339(at) +
                          R"("}, "results": [)" + results + R"(], "args": {"target": )" + target +
                          "}}",
                      name);
  }

  std::string write_text(const std::string& text, const std::string& name = "a") {
    const auto path = (directory_.path() / (name + ".json")).string();
    std::ofstream(path) << text;
    // Two writes may get the same time from the file system.
    std::filesystem::last_write_time(
        path, std::filesystem::file_time_type() + std::chrono::seconds(++writes_));
    return path;
  }

  std::vector<std::string> pattern() const { return {(directory_.path() / "*.json").string()}; }

 private:
  TemporaryDirectory directory_;
  int writes_ = 0;
};

std::string row(int number, const std::string& node, const std::string& target = "prod") {
  return "('" + id(number) + "', '" + node + "', '" + target + "')";
}

}  // namespace

TEST_CASE("a result of an unexpected shape costs itself") {
  Project project;
  const std::string lone = R"({"unique_id": "\ud800", "adapter_response": {"query_id": "x"}})";
  project.write(lone + R"(, {"unique_id": 7, "adapter_response": "SUCCESS"}, null, )" +
                result(id(1), "model.shop.a"));
  DbtResults results(project.pattern());
  CHECK(results.read(kNow));
  CHECK(results.rows() == row(1, "model.shop.a"));
}

TEST_CASE("what a command left is known after the next one wrote over it, and over a restart") {
  Project project;
  project.write(result(id(1), "model.shop.a") + "," + result(id(2), "test.shop.b.0f"));
  DbtResults results(project.pattern());
  CHECK(results.read(kNow));
  CHECK_FALSE(results.read(kNow));
  CHECK(results.rows() == row(1, "model.shop.a") + ", " + row(2, "test.shop.b.0f"));
  project.write(result(id(3), "model.shop.a"), kNow, "null");
  project.write(result(id(4), "model.other.a"), kNow, R"("dev")", "b");
  CHECK(results.read(kNow));
  const auto all = row(1, "model.shop.a") + ", " + row(2, "test.shop.b.0f") + ", " +
                   row(3, "model.shop.a", "") + ", " + row(4, "model.other.a", "dev");
  CHECK(results.rows() == all);

  DbtResults next(project.pattern());
  next.load(results.text());
  CHECK(next.rows() == all);
  CHECK_FALSE(next.read(kNow));
  CHECK(next.text() == results.text());
}

TEST_CASE("nothing of a file can become SQL") {
  Project project;
  std::string all = result(id(0), "model.shop.good");
  for (const std::string node :
       {"a'b", "a\\\\b", "a b", "a;b", "a\\nb", "\xC3\xA6", "", "a)b", "a\\u0000b", "a{hi}b"}) {
    all += "," + result(id(1), node);
  }
  all += "," + result(id(1), std::string(301, 'a'));
  for (const std::string bad :
       {"", "1", "01b2c3d4-0000-abcd-0000-00000010000'", "01B2C3D4-0000-ABCD-0000-000000100000",
        "01b2c3d4_0000_abcd_0000_000000100000", "01b2c3d4-0000-abcd-0000-0000001000000"}) {
    all += "," + result(bad, "model.shop.bad");
  }
  all += R"(,{"unique_id": "model.shop.none"},{"adapter_response": {"query_id": 7}})";
  all += R"(,{"adapter_response": {"query_id": ")" + id(1) + R"("}, "unique_id": 7})";
  project.write(all, kNow, R"("p'rod")");
  DbtResults results(project.pattern());
  CHECK(results.read(kNow));
  CHECK(results.rows() == row(0, "model.shop.good", ""));
  DbtResults loaded({});
  loaded.load(id(1) + " 1800000000 a'b prod\n" + id(1) + " 1800000000 a p'rod\n" + id(1) +
              " x a b\n\n" + id(2) + " 1800000000 a \n");
  CHECK(loaded.rows() == row(2, "a", ""));
}

TEST_CASE("a file that cannot be read is read when it has changed") {
  Project project;
  DbtResults results(project.pattern());
  CHECK_FALSE(results.read(kNow));
  project.write_text(R"({"metadata": {"generated_at": ")");
  project.write(result(id(1), "model.shop.a"), kNow, "null", "b");
  CHECK(results.read(kNow));
  for (const auto* text : {"", "[]", "null", R"({"results": [)", R"({"metadata": {}})", "{}"}) {
    project.write_text(text);
    CHECK_FALSE(results.read(kNow));
  }
  project.write(result(id(2), "model.shop.a"));
  CHECK(results.read(kNow));
  CHECK(results.rows() == row(1, "model.shop.a", "") + ", " + row(2, "model.shop.a"));
}

TEST_CASE("what no window reaches any more is forgotten, and not taken") {
  Project project;
  project.write(result(id(1), "model.shop.old"), kNow - days(9) - seconds(1));
  DbtResults results(project.pattern());
  CHECK_FALSE(results.read(kNow));
  project.write(result(id(2), "model.shop.a"), kNow - hours(30));
  project.write(result(id(3), "model.shop.a"), kNow - hours(29), R"("prod")", "b");
  CHECK(results.read(kNow));
  results.drop_before(kNow - hours(29));
  CHECK(results.rows() == row(3, "model.shop.a"));
}

TEST_CASE("results from the future are forgotten as those from when they were read") {
  Project project;
  const auto ahead = kNow + days(400);
  DbtResults results(project.pattern());
  const bool is_stored = GENERATE(true, false);
  if (is_stored) {
    results.load(id(1) + ' ' + std::to_string(ahead.time_since_epoch().count()) +
                 " model.shop.a prod\n");
    CHECK_FALSE(results.read(kNow));
  } else {
    project.write(result(id(1), "model.shop.a"), ahead);
    CHECK(results.read(kNow));
  }
  results.drop_before(kNow);
  CHECK(results.rows() == row(1, "model.shop.a"));
  results.drop_before(kNow + hours(1));
  CHECK(results.rows() == "");
}

TEST_CASE("where there is no more room, what is known stays") {
  Project project;
  const auto many = [&](int from) {
    std::string all;
    for (int i = from; i < from + 8000; ++i) {
      all += (i > from ? "," : "") + result(id(i), "model.shop.a");
    }
    return all;
  };
  project.write(many(1000));
  DbtResults results(project.pattern());
  CHECK(results.read(kNow));
  const auto known = results.rows();
  CHECK(known.size() <= DbtResults::kMost);
  CHECK(known.size() > DbtResults::kMost - 200);
  project.write(many(10'000), kNow + hours(1));
  CHECK_FALSE(results.read(kNow + hours(1)));
  CHECK(results.rows() == known);
  results.drop_before(kNow + hours(1));
  CHECK(results.rows() == "");
  project.write(many(20'000), kNow + hours(2));
  CHECK(results.read(kNow + hours(2)));
  CHECK(results.rows().size() == known.size());
}
