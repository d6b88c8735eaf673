#include <catch2/catch.hpp>
#include <random>

#include "exporters/sql/business/within.h"
#include "tests/exporters/sql/business_world.h"

using namespace exporter;
using namespace exporter::sql;
using namespace exporter::sql::business;
using namespace std::chrono_literals;

namespace {

constexpr Time kBegin = std::chrono::sys_days(2026y / 3 / 26) + 5h;

/// Times that are often equally far apart, some at the limits of the period or before it.
std::string rows_of_pairs(std::mt19937_64& random, std::chrono::seconds length, double& in_time) {
  std::uniform_int_distribution<int> hours(-2, 80), kinds(0, 4), around(-1, 1);
  std::string rows;
  for (int i = 0; i < 300; ++i) {
    const Time begun = kBegin + std::chrono::hours(hours(random));
    std::chrono::seconds took(
        std::uniform_int_distribution<std::int64_t>(0, 2 * length.count())(random));
    if (kinds(random) < 2) took = length + std::chrono::seconds(around(random));
    const bool has_ended = kinds(random) > 0;
    in_time += has_ended && took < length ? 1 : 0;
    rows += std::string(rows.empty() ? "" : ", ") + "('g', " + literal(begun, Dialect::sqlite) +
            ", " + (has_ended ? literal(begun + took, Dialect::sqlite) : "NULL") + ")";
  }
  return rows;
}

}  // namespace

TEST_CASE("pairs of times are counted as if each was compared") {
  std::mt19937_64 random(1);
  Shop shop;
  const auto source = shop.source("business: {timezone: UTC}\n");
  const Business business(source, source->business);
  for (const auto length : {30min, 1440min, 1500min, 2880min}) {
    for (const auto days : {1, 3}) {
      double expected = 0, found = 0, all = 0, decided = 0, late = 0;
      shop.execute("CREATE TABLE pairs (kind, begun, ended)");
      shop.execute("INSERT INTO pairs VALUES " + rows_of_pairs(random, length, expected));
      const Within within({kBegin, kBegin + std::chrono::days(days)}, length);
      Parameters parameters;
      within.add_to(parameters);
      const auto table =
          business.ask({within.statement("p AS (SELECT * FROM pairs)", "p", "kind"), parameters},
                       Deadline::in(60s));
      for (const auto& row : business::rows_of(table)) {
        const auto count = within.count(row);
        all += count.pairs;
        found += count.in_time ? count.pairs : 0;
        decided += row.number("decision") == 1 ? count.pairs : 0;
        late += row.number("decision") == 0 ? count.pairs : 0;
      }
      CHECK(all == 300);
      CHECK(found == expected);
      // SQL decides about most pairs; about 60 have no end.
      CHECK((days == 1 || length < 24h || decided > expected / 8));
      CHECK((days == 1 || length <= 24h || late > 75));
      shop.execute("DROP TABLE pairs");
    }
  }
}
