#include "common/metric/text_parser.h"

#include <catch2/catch.hpp>

#include "common/base/error.h"
#include "tests/support/error_of.h"

using namespace exporter;

namespace {

/// The page made of a parsed text, or the error.
std::string reread(const std::string& text, Format format = Format::text) {
  try {
    const auto parsed = parse_text(text, "x.prom");
    Samples samples;
    for (const auto& family : parsed.families) {
      for (const auto& series : family.series) {
        add_series(samples, family, family.help.value_or("none"), series);
      }
    }
    std::string page;
    samples.render(format, page);
    return page;
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("a parsed text renders to the same text, in canonical form") {
  const std::string text = R"(# HELP jobs_total Jobs done.
# TYPE jobs_total counter
jobs_total{queue="a",state="ok"} 12
jobs_total{queue="b \"x\" \\ y\nz"} 0.5
# HELP took_seconds Time it \\ took.\nSecond line.
# TYPE took_seconds histogram
took_seconds_bucket{op="r",le="0.1"} 1
took_seconds_bucket{op="r",le="1.0"} 3
took_seconds_bucket{op="r",le="+Inf"} 4
took_seconds_sum{op="r"} 7.25
took_seconds_count{op="r"} 4
# HELP size_bytes Sizes.
# TYPE size_bytes summary
size_bytes{quantile="0.5"} 10
size_bytes{quantile="1.0"} 20
size_bytes_sum 60
size_bytes_count 5
# HELP any Things.
# TYPE any untyped
any NaN
any{sign="+"} +Inf
any{sign="-"} -Inf
# HELP ns:rule:sum A rule.
# TYPE ns:rule:sum gauge
ns:rule:sum 1e-09
)";
  CHECK(reread(text) == text);
}

TEST_CASE("a histogram and a summary of a text are well formed in OpenMetrics") {
  CHECK(reread(R"(# TYPE h histogram
h_bucket{le="1"} 2
h_count 2
# TYPE s summary
s{quantile="0.9"} 1
# TYPE plain counter
plain 3
)",
               Format::openmetrics) == R"(# HELP h none
# TYPE h histogram
h_bucket{le="1.0"} 2
h_bucket{le="+Inf"} 2
h_count 2
# HELP s none
# TYPE s summary
s{quantile="0.9"} 1
# HELP plain none
# TYPE plain unknown
plain 3
)");
}

TEST_CASE("what OpenMetrics forbids in a histogram of a text is left out, and said") {
  const auto [histogram, left] = GENERATE(table<std::string, std::string>({
      {"h_bucket{le=\"1\"} 3\nh_bucket{le=\"2\"} 2\nh_count 3\n", ""},
      {"h_bucket{le=\"1\"} -1\nh_count 3\n", ""},
      {"h_bucket{le=\"1\"} NaN\nh_count 3\n", ""},
      {"h_bucket{le=\"+Inf\"} 2\nh_count 3\n", ""},
      {"h_sum 4\nh_count NaN\n", ""},
      {"h_sum -4\nh_count 3\n", "h_bucket{le=\"+Inf\"} 3\nh_count 3\n"},
      {"h_sum NaN\nh_count 3\n", "h_bucket{le=\"+Inf\"} 3\nh_count 3\n"},
  }));
  CAPTURE(histogram);
  const auto text = "# TYPE h histogram\n" + histogram;
  Samples samples;
  const auto parsed = parse_text(text, "x");
  CHECK_FALSE(add_series(samples, parsed.families[0], "none", parsed.families[0].series[0]));
  std::string page;
  samples.render(Format::text, page);
  CHECK(page == (left.empty() ? "" : "# HELP h none\n# TYPE h histogram\n" + left));
}

TEST_CASE("a histogram of a text with a bound below 0 has no sum") {
  CHECK(reread("# TYPE h histogram\nh_bucket{le=\"-1\"} 1\nh_sum 2\nh_count 3\n") ==
        "# HELP h none\n# TYPE h histogram\nh_bucket{le=\"-1.0\"} 1\nh_bucket{le=\"+Inf\"} 3\n"
        "h_count 3\n");
}

TEST_CASE("the lines of a histogram may come in any order, and its labels too") {
  CHECK(reread(R"(# TYPE h histogram
h_sum{a="1",b="2"} 5
h_bucket{le="+Inf",a="1",b="2"} 9
h_bucket{b="2",le="2",a="1"} 8
h_bucket{a="1",b="2",le="5e-1"} 7
)") == R"(# HELP h none
# TYPE h histogram
h_bucket{a="1",b="2",le="0.5"} 7
h_bucket{a="1",b="2",le="2.0"} 8
h_bucket{a="1",b="2",le="+Inf"} 9
h_sum{a="1",b="2"} 5
h_count{a="1",b="2"} 9
)");
}

TEST_CASE("blanks, remarks, empty lines and headers without samples are taken as Prometheus does") {
  CHECK(reread("\n"
               "  # a remark\n"
               "#\n"
               "# HELP\n"
               "# TYPE gone gauge\n"
               "# HELP unused Text.\n"
               "#TYPE a   gauge\t\n"
               "\t a \t {  x = \"1\" , y=\"\", }  +1.5e1 \t\n"
               "a{}1\n"
               "b .5\n"
               "# HELP a Late help.\n"
               "c_sum 1\n"
               "infinite inf\n") == R"(# HELP a Late help.
# TYPE a gauge
a{x="1"} 15
a 1
# HELP b none
# TYPE b untyped
b 0.5
# HELP c_sum none
# TYPE c_sum untyped
c_sum 1
# HELP infinite none
# TYPE infinite untyped
infinite +Inf
)");
  CHECK(reread("").empty());
}

TEST_CASE("each mistake in a text is refused with its line") {
  const auto [text, why] = GENERATE(table<std::string, std::string>({
      {"a 1\nb 2", "2: the last line is truncated"},
      {"a\n", "1: the value is missing"},
      {"a{x=\"1\"}\n", "1: the value is missing"},
      {"a one\n", "1: expected a number as the value"},
      {"a 0x10\n", "1: expected a number as the value"},
      {"a nan(1)\n", "1: expected a number as the value"},
      {"a 1_000\n", "1: expected a number as the value"},
      {"a 1,5\n", "1: expected a number as the value"},
      {"a 1\r\n", "1: expected a number as the value"},
      {"a 1 1700000000000\n", "1: a timestamp or other text after the value"},
      {"a 1 # {x=\"1\"} 2\n", "1: a timestamp or other text after the value"},
      {"1a 1\n", "1: a metric name is missing"},
      {"{x=\"1\"} 1\n", "1: a metric name is missing"},
      {"my-metric 1\n", "1: expected '{' or a space after the name"},
      {"a.5\n", "1: expected '{' or a space after the name"},
      {"a{1x=\"1\"} 1\n", "1: invalid label name \"1x\""},
      {"a{x:y=\"1\"} 1\n", "1: invalid label name \"x:y\""},
      {"a{__x=\"1\"} 1\n", "1: invalid label name \"__x\""},
      {"a{,} 1\n", "1: invalid label name \"\""},
      {"a{ 1\n", "1: invalid label name \"1\""},
      {"a{x} 1\n", "1: expected '=' after the label name"},
      {"a{x=1} 1\n", "1: expected '\"' before the label value"},
      {"a{x=\"1} 1\n", "1: the label value is not terminated"},
      {"a{x=\"1\\\"} 1\n", "1: the label value is not terminated"},
      {"a{x=\"1\" y=\"2\"} 1\n", "1: expected ',' or '}' after the label value"},
      {"a{x=\"1\",x=\"2\"} 1\n", "1: the label \"x\" is a duplicate"},
      {"a{x=\"\\t\"} 1\n", "1: invalid escape sequence"},
      {"a 1\na{x=\"\xff\"} 1\n", "2: not UTF-8"},
      {"# HELP a \\t\na 1\n", "1: invalid escape sequence"},
      {"# HELP a x\\\na 1\n", "1: invalid escape sequence"},
      {"# HELP a x\n# HELP a y\na 1\n", "2: a second help of a"},
      {"# HELP a-b x\n", "1: invalid metric name \"a-b\""},
      {"# TYPE a gauge\n# TYPE a gauge\n", "2: a second type of a, or one after its samples"},
      {"a 1\n# TYPE a gauge\n", "2: a second type of a, or one after its samples"},
      {"# TYPE a stateset\n", "1: unknown type \"stateset\""},
      {"# TYPE h histogram\nh 1\n", "2: a histogram has no sample without a suffix"},
      {"# TYPE h histogram\nh_bucket 1\n", "2: the label \"le\" is missing"},
      {"# TYPE h histogram\nh_bucket{le=\"x\"} 1\n", "2: expected a number in the label \"le\""},
      {"# TYPE h histogram\nh_bucket{le=\"NaN\"} 1\n", "2: expected a number in the label \"le\""},
      {"# TYPE h histogram\n\nh_bucket{le=\"1\"} 1\nh_sum 1\n",
       "3: the histogram has neither a count nor a last bucket"},
      {"# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"1.0\"} 1\nh_count 1\n",
       "2: duplicate bucket or quantile"},
      {"# TYPE h histogram\nh_sum 1\nh_sum 1\n", "3: duplicate sum or count"},
      {"# TYPE h histogram\nh_count{le=\"1\"} 1\n", "2: the label \"le\" at a sum or a count"},
      {"h_bucket 1\n# TYPE h histogram\nh_count 1\n",
       "1: the metric \"h_bucket\" has the name of lines of \"h\""},
      {"# TYPE s summary\ns_sum 1\n# TYPE s_count gauge\ns_count 1\n",
       "3: the metric \"s_count\" has the name of lines of \"s\""},
      {"# TYPE s summary\ns 1\n", "2: the label \"quantile\" is missing"},
  }));
  CHECK(reread(text) == "x.prom:" + why);
}

TEST_CASE("an error quotes no more of a text file than a line of a log takes") {
  const std::string word(1 << 20, 'x');
  for (const auto& text : {"# TYPE a-" + word + " gauge\n", "# TYPE a " + word + "\n",
                           "# HELP " + word + " 1\n# HELP " + word + " 2\n"}) {
    const auto error = error_of(Reason::decode, [&] { parse_text(text, "file"); });
    CHECK(error.size() < 400);
    CHECK(error.ends_with("..."));
  }
}

TEST_CASE("a metric may end like a line of a metric that has no such lines") {
  for (const std::string text : {
           "h_count 1\n# TYPE h histogram\n",  // without series
           "# TYPE s summary\ns{quantile=\"0.5\"} 1\n# TYPE s_bucket gauge\ns_bucket 1\n",
           "# TYPE h gauge\nh 1\n# TYPE h_sum gauge\nh_sum 1\n",
       }) {
    CAPTURE(text);
    CHECK(parse_text(text, "x").families.size() == (text.starts_with("h_count") ? 1 : 2));
  }
}

TEST_CASE("a series has as many labels as a page takes") {
  std::string labels;
  for (std::size_t i = 1; i < kMaxNamedLabels; ++i) labels += "l" + std::to_string(i) + "=\"1\",";
  CHECK(reread("# TYPE h histogram\nh_bucket{" + labels + "} 1\n") ==
        "x.prom:2: the label \"le\" is missing");
  CHECK(reread("a{" + labels + "z=\"1\"} 1\n") == "x.prom:1: too many labels");
  const auto page = reread("# TYPE h histogram\nh_count{" + labels + "} 1\n");
  CHECK(std::count(page.begin(), page.end(), '\n') == 4);
}
