#include <catch2/catch.hpp>

#include "exporters/sql/business/baseline.h"

using namespace exporter::sql::business;

TEST_CASE("a week without a figure has none of it, or says nothing") {
  const std::vector<Figures> weeks{{{{"a"}, 4}, {{"b"}, 6}}, {{{"a"}, 5}}, {{{"a"}, 6}}};
  CHECK(medians(weeks, Absent::says_nothing) == Figures{{{"a"}, 5}});
  CHECK(medians(weeks, Absent::is_zero) == Figures{{{"a"}, 5}, {{"b"}, 0}});
  CHECK(medians({weeks[0], weeks[1]}, Absent::is_zero).empty());
}
