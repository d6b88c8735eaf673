#include "exporters/snowflake/largest.h"

#include <catch2/catch.hpp>

using namespace exporter::snowflake;
using std::chrono::days;
using std::chrono::hours;

namespace {

constexpr Largest::Time kStart{hours(1000)};

}  // namespace

TEST_CASE("the largest values are shown, from when they were on") {
  Largest largest(2);
  largest.decide({{"a", 1}, {"b", 3}, {"c", 2}, {"", 9}, {"none", 0}}, kStart);
  CHECK(largest.shown("b", kStart) == "b");
  CHECK(largest.shown("c", kStart + hours(1)) == "c");
  CHECK(largest.shown("c", kStart - hours(1)) == "other");
  CHECK(largest.shown("a", kStart) == "other");
  CHECK(largest.shown("", kStart) == "");
}

TEST_CASE("a value that came on while the clock was ahead is shown when that is right again") {
  Largest largest(2);
  largest.decide({{"a", 1}, {"b", 1}}, kStart + hours(9600));
  largest.decide({{"a", 1}}, kStart);
  CHECK(largest.shown("a", kStart) == "a");
  largest.decide({{"a", 1}, {"c", 1}}, kStart + hours(24 * 31));
  CHECK(largest.shown("c", kStart + hours(24 * 31)) == "c");
}

TEST_CASE("a value that is too long to be stored with the others is not shown") {
  Largest largest(3);
  const std::string longest(250, 'x'), too_long(251, 'x'), quotes(126, '"');
  largest.decide({{longest, 1}, {too_long, 9}, {quotes, 9}, {"a\nb", 9}, {"c", 1}}, kStart);
  CHECK(largest.shown(longest, kStart) == longest);
  CHECK(largest.shown(too_long, kStart) == "other");
  CHECK(largest.shown(quotes, kStart) == "other");
  CHECK(largest.shown("a\nb", kStart) == "other");
  CHECK(largest.shown("c", kStart) == "c");
}

TEST_CASE("a value that is shown stays, however small it becomes") {
  Largest largest(1);
  largest.decide({{"a", 1}}, kStart);
  largest.decide({{"a", 0.1}, {"b", 100}}, kStart + days(20));
  CHECK(largest.shown("a", kStart + days(20)) == "a");
  CHECK(largest.shown("b", kStart + days(20)) == "other");
}

TEST_CASE("a value that is gone for a month makes room") {
  Largest largest(1);
  largest.decide({{"a", 1}}, kStart);
  largest.decide({{"b", 1}}, kStart + days(30));
  CHECK(largest.shown("b", kStart + days(31)) == "other");
  largest.decide({{"b", 1}}, kStart + days(31));
  CHECK(largest.shown("b", kStart + days(31)) == "b");
  CHECK(largest.shown("a", kStart + days(31)) == "other");
}

TEST_CASE("what is shown goes on after a restart") {
  Largest largest(3);
  largest.decide({{"a \"x\"", 1}, {"b", 3}}, kStart);
  Largest next(3);
  next.load(largest.text());
  CHECK(next.size() == 2);
  CHECK(next.shown("a \"x\"", kStart) == "a \"x\"");
  CHECK(next.shown("b", kStart - hours(1)) == "other");
  Largest broken(3);
  broken.load("{\"a\":{}}");
  CHECK(broken.size() == 0);
  broken.load("");
  CHECK(broken.size() == 0);
}
