#include "common/metric/samples.h"

#include <catch2/catch.hpp>

#include "common/base/error.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace std::chrono_literals;

namespace {

constexpr auto kRows = gauge("demo_rows", "Rows of \"the\" back\\slash\ntable.", "table");
constexpr auto kCredits = counter("demo_credits_total", "Credits.", "warehouse", "kind");
constexpr auto kBuild = info("demo_build_info", "Build.", "version");
constexpr auto kSeconds = histogram("demo_run_seconds", "Runs.", "command");
constexpr auto kPlain = untyped("demo_plain", "Plain.");

std::string page(const Samples& samples, Format format) {
  std::string out;
  samples.render(format, out);
  return out;
}

}  // namespace

TEST_CASE("each family gets one block, in order of its first sample, in both formats") {
  Samples samples;
  samples.add(kRows, 1.5, "a");
  samples.add(kCredits, 2, "WH", "compute");
  samples.add(kRows, 2, "b");
  samples.add(kBuild, 1, "0.1");
  samples.add(kPlain, 3);
  CHECK(samples.size() == 5);
  CHECK(page(samples, Format::text) ==
        "# HELP demo_rows Rows of \"the\" back\\\\slash\\ntable.\n"
        "# TYPE demo_rows gauge\n"
        "demo_rows{table=\"a\"} 1.5\n"
        "demo_rows{table=\"b\"} 2\n"
        "# HELP demo_credits_total Credits.\n"
        "# TYPE demo_credits_total counter\n"
        "demo_credits_total{warehouse=\"WH\",kind=\"compute\"} 2\n"
        "# HELP demo_build_info Build.\n"
        "# TYPE demo_build_info gauge\n"
        "demo_build_info{version=\"0.1\"} 1\n"
        "# HELP demo_plain Plain.\n"
        "# TYPE demo_plain untyped\n"
        "demo_plain 3\n");
  CHECK(page(samples, Format::openmetrics) ==
        "# HELP demo_rows Rows of \\\"the\\\" back\\\\slash\\ntable.\n"
        "# TYPE demo_rows gauge\n"
        "demo_rows{table=\"a\"} 1.5\n"
        "demo_rows{table=\"b\"} 2\n"
        "# HELP demo_credits Credits.\n"
        "# TYPE demo_credits counter\n"
        "demo_credits_total{warehouse=\"WH\",kind=\"compute\"} 2\n"
        "# HELP demo_build Build.\n"
        "# TYPE demo_build info\n"
        "demo_build_info{version=\"0.1\"} 1\n"
        "# HELP demo_plain Plain.\n"
        "# TYPE demo_plain unknown\n"
        "demo_plain 3\n");
}

TEST_CASE("label values are escaped and made valid UTF-8") {
  Samples samples;
  samples.add(kBuild, 1, "q\"b\\n\nü\xff\xe2\x82z");
  CHECK(page(samples, Format::text) ==
        "# HELP demo_build_info Build.\n"
        "# TYPE demo_build_info gauge\n"
        "demo_build_info{version=\"q\\\"b\\\\n\\nü\xef\xbf\xbd\xef\xbf\xbdz\"} 1\n");
}

TEST_CASE("a histogram is cumulative, with canonical bounds, and keeps its labels in front of le") {
  Samples samples;
  const double bounds[] = {0.5, 1};
  const std::uint64_t counts[] = {3, 0, 2};
  samples.add_histogram(kSeconds, bounds, counts, 7.25, "build");
  CHECK(samples.size() == 5);
  CHECK(page(samples, Format::openmetrics) ==
        "# HELP demo_run_seconds Runs.\n"
        "# TYPE demo_run_seconds histogram\n"
        "demo_run_seconds_bucket{command=\"build\",le=\"0.5\"} 3\n"
        "demo_run_seconds_bucket{command=\"build\",le=\"1.0\"} 3\n"
        "demo_run_seconds_bucket{command=\"build\",le=\"+Inf\"} 5\n"
        "demo_run_seconds_sum{command=\"build\"} 7.25\n"
        "demo_run_seconds_count{command=\"build\"} 5\n");
  samples.add_histogram(kSeconds, bounds, counts, 1, "build");
  CHECK(samples.size() == 5);
  CHECK(samples.duplicates() == 1);
}

TEST_CASE("exemplars follow their buckets in OpenMetrics, and the text format has none") {
  const double bounds[] = {0.5, 1};
  const std::uint64_t counts[] = {3, 0, 2};
  const auto when = std::chrono::sys_days{std::chrono::year{2026} / 5 / 4} + 1500ms;
  const Label run[] = {{"run_id", "a \"b\""}, {"task_id", "load"}};
  const std::vector<std::string> exemplars = {exemplar(run, 0.25, when), "",
                                              exemplar(std::span(run).first(1), 90, when)};
  const std::string_view build[] = {"build"};
  const auto fill = [&](Samples& samples, std::span<const std::string> with) {
    samples.add_histogram(MetricView(kSeconds), bounds, counts, 7.25, build, with);
    samples.add(kPlain, 3);
    samples.add_histogram(kSeconds, bounds, counts, 7.25, "run");
  };
  Samples with, none;
  fill(with, exemplars);
  fill(none, {});
  CHECK(page(with, Format::text) == page(none, Format::text));
  CHECK_FALSE(with.same_page(none));

  auto expected = page(none, Format::openmetrics);
  const auto insert = [&](const std::string& line, const std::string& what) {
    expected.insert(expected.find(line) + line.size(), what);
  };
  insert("{command=\"build\",le=\"0.5\"} 3",
         " # {run_id=\"a \\\"b\\\"\",task_id=\"load\"} 0.25 1777852801.5");
  insert("{command=\"build\",le=\"+Inf\"} 5", " # {run_id=\"a \\\"b\\\"\"} 90 1777852801.5");
  CHECK(page(with, Format::openmetrics) == expected);
  CHECK(page(with.without({"demo_plain"}), Format::openmetrics) ==
        expected.substr(0, expected.find("# HELP demo_plain")));

  with.group_by_family();
  CHECK(page(with, Format::openmetrics) == expected);
  REQUIRE(with.families().size() == 2);
  CHECK(with.families()[0].has_exemplars);
  CHECK_FALSE(with.families()[1].has_exemplars);
  std::string family;
  append_header(family, MetricType::histogram, "demo_run_seconds", "Runs.", Format::openmetrics);
  family += with.lines_with_exemplars(0);
  CHECK(family == expected.substr(0, expected.find("# HELP demo_plain")));
  CHECK(with.lines_with_exemplars(1) == "demo_plain 3\n");
}

TEST_CASE("an exemplar with more than 128 characters of labels is none") {
  const std::string longest(128 - 6, 'x');
  const auto of = [](const std::string& run) {
    const Label label[] = {{"run_id", run}};
    return exemplar(label, 1, {});
  };
  CHECK(of(longest) == " # {run_id=\"" + longest + "\"} 1 0");
  CHECK(of(longest + "x").empty());
}

TEST_CASE("of equal series the first is kept and the others are counted") {
  Samples samples;
  for (int i = 0; i < 1000; ++i) samples.add(kRows, i, std::to_string(i % 700));
  CHECK(samples.size() == 700);
  CHECK(samples.duplicates() == 300);
  CHECK(samples.first_duplicate() == "demo_rows{table=\"0\"}");
  const auto text = page(samples, Format::text);
  CHECK(text.find("demo_rows{table=\"0\"} 0\n") != std::string::npos);
  CHECK(text.find("demo_rows{table=\"0\"} 700\n") == std::string::npos);
}

TEST_CASE("a value that OpenMetrics forbids is left out and noted") {
  Samples samples;
  samples.add_named(MetricType::counter, "c", "C.", -4294967295.0);
  CHECK(samples.first_malformed_row() == "c is -4294967295");
  samples.add_named(MetricType::counter, "c", "C.", NAN);
  samples.add_named(MetricType::counter, "c", "C.", 0, {{"a", "1"}});
  samples.add_named(MetricType::counter, "c", "C.", INFINITY, {{"a", "2"}});
  samples.add_named(MetricType::gauge, "g", "G.", -1);
  const Label quantile[] = {{"quantile", "0.5"}}, other[] = {{"quantile", "0.9"}};
  samples.add_named(MetricType::summary, "s", "S.", NAN, quantile);
  samples.add_named(MetricType::summary, "s", "S.", -1, other);
  samples.add_named(MetricType::summary, "s", "S.", NAN, {}, "_sum");
  samples.add_named(MetricType::summary, "s", "S.", 0, {}, "_count");
  CHECK(page(samples, Format::openmetrics) ==
        "# HELP c C.\n"
        "# TYPE c unknown\n"
        "c{a=\"1\"} 0\n"
        "c{a=\"2\"} +Inf\n"
        "# HELP g G.\n"
        "# TYPE g gauge\n"
        "g -1\n"
        "# HELP s S.\n"
        "# TYPE s summary\n"
        "s{quantile=\"0.5\"} NaN\n"
        "s_count 0\n");
}

TEST_CASE("a histogram of what may be below zero has no sum, which would be no counter") {
  const std::uint64_t counts[] = {3, 2};
  for (const auto& [bound, sum] :
       {std::pair(-1.0, 7.0), std::pair(1.0, -7.0), std::pair(1.0, double{NAN})}) {
    Samples samples;
    samples.add_histogram(kSeconds, std::array{bound}, counts, sum, "build");
    CHECK(samples.size() == 3);
    CHECK(page(samples, Format::text).find("_sum") == std::string::npos);
  }
}

TEST_CASE("lines are put together by family without a change of the page") {
  const double bounds[] = {1, 5};
  const std::uint64_t counts[] = {1, 2, 3};
  const auto fill = [&](Samples& samples) {
    samples.add(kRows, 1, "a");
    samples.add_named(MetricType::gauge, "demo_named", "Named.", 2, {{"x", "1"}});
    samples.add_histogram(kSeconds, bounds, counts, 30, "run");
    samples.add_named(MetricType::gauge, "demo_named", "Named.", 3, {{"x", "2"}});
    samples.add(kRows, 4, "b\n");
  };
  Samples plain, grouped;
  fill(plain);
  fill(grouped);
  grouped.group_by_family();
  for (const auto format : {Format::text, Format::openmetrics}) {
    CHECK(page(grouped, format) == page(plain, format));
  }
  const auto families = grouped.families();
  REQUIRE(families.size() == 3);
  CHECK(families[0].name == "demo_rows");
  CHECK(families[0].lines == "demo_rows{table=\"a\"} 1\ndemo_rows{table=\"b\\n\"} 4\n");
  CHECK(families[1].is_named);
  CHECK(families[1].count == 2);
  CHECK_FALSE(families[2].is_named);
  CHECK(families[2].count == 5);
  Samples again;
  fill(again);
  again.group_by_family();
  CHECK(again.same_page(grouped));

  for (const auto* samples : {&plain, &grouped}) {
    const auto rest = samples->without({"demo_named", "demo_other"});
    CHECK(rest.size() == 7);
    const auto whole = page(*samples, Format::text);
    const auto begin = whole.find("# HELP demo_named"), end = whole.find("# HELP demo_run_seconds");
    CHECK(page(rest, Format::text) == whole.substr(0, begin) + whole.substr(end));
  }
}

TEST_CASE("series without the label that is required are refused") {
  constexpr auto kUnlabelled = gauge("demo_unlabelled", "Unlabelled.");
  const double bounds[] = {1};
  const std::uint64_t counts[] = {1, 2};
  Samples samples;
  samples.require({"table", "a"});
  samples.add(kRows, 1, "a");
  samples.add_named(MetricType::gauge, "demo_named", "Named.", 1, {{"x", "y"}, {"table", "a"}});
  const std::string why = ": a series without the label table=\"a\"";
  CHECK(error_of(Reason::internal, [&] { samples.add(kRows, 1, "b"); }) == "demo_rows" + why);
  CHECK(error_of(Reason::internal, [&] { samples.add(kUnlabelled, 1); }) ==
        "demo_unlabelled" + why);
  CHECK(error_of(Reason::internal, [&] {
          samples.add_named(MetricType::gauge, "demo_named", "Named.", 1, {{"x", "y"}});
        }) == "demo_named" + why);
  CHECK(error_of(Reason::internal, [&] {
          samples.add_histogram(kSeconds, bounds, counts, 1, "run");
        }) == "demo_run_seconds" + why);
}

TEST_CASE("families named by the source are copied, and refused when their names are invalid") {
  Samples samples;
  {
    std::string name = "demo_from_source", help = "From the source.";
    samples.add_named(MetricType::untyped, name, help, 1, {{"a", "b"}});
    name.assign(name.size(), 'x');
    help.assign(help.size(), 'x');
  }
  samples.add_named(MetricType::counter, "demo_odd_counter", "No suffix.", 2);
  CHECK(page(samples, Format::openmetrics) ==
        "# HELP demo_from_source From the source.\n"
        "# TYPE demo_from_source unknown\n"
        "demo_from_source{a=\"b\"} 1\n"
        "# HELP demo_odd_counter No suffix.\n"
        "# TYPE demo_odd_counter unknown\n"
        "demo_odd_counter 2\n");
  CHECK_THROWS_AS(samples.add_named(MetricType::gauge, "0bad", "Bad.", 1), Error);
  CHECK_THROWS_AS(samples.add_named(MetricType::gauge, "good", "Bad.", 1, {{"__a", "b"}}), Error);
  CHECK_THROWS_AS(samples.add_named(MetricType::gauge, "good", "Bad.", 1, {{"a-b", "b"}}), Error);
  CHECK_THROWS_AS(
      samples.add_named(MetricType::gauge, "good", "Bad.", 1, {{"a", "b"}, {"c", ""}, {"a", "d"}}),
      Error);
  CHECK_THROWS_WITH(samples.add_named(MetricType::gauge, "-" + std::string(1 << 20, 'x'), "", 1),
                    "invalid metric name \"-" + std::string(199, 'x') + "...\"");
}

TEST_CASE("pages are compared by what they would render") {
  Samples one, same, other;
  one.add(kRows, 1, "a");
  same.add(kRows, 1, "a");
  other.add(kRows, 2, "a");
  CHECK(one.same_page(same));
  CHECK_FALSE(one.same_page(other));
}

TEST_CASE("series that differ in one byte, at any place, are different series") {
  Samples samples;
  const std::string text(40, 'a');
  samples.add(kRows, 1, text);
  for (std::size_t size = 0; size < text.size(); ++size) {
    samples.add(kRows, 1, std::string_view(text).substr(0, size));
    for (const char byte : {'b', '"', '\\'}) {
      auto other = text;
      other[size] = byte;
      samples.add(kRows, 1, other);
      samples.add(kRows, 1, other);
    }
  }
  CHECK(samples.size() == 1 + 4 * text.size());
  CHECK(samples.duplicates() == 3 * text.size());
}
