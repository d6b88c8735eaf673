#include "common/collect/family_names.h"

#include <catch2/catch.hpp>

#include "common/base/error.h"

using namespace exporter;

namespace {

using Names = std::set<std::string, std::less<>>;

Samples named(std::initializer_list<std::pair<MetricType, const char*>> families) {
  Samples samples;
  for (const auto& [type, name] : families) samples.add_named(type, name, "Help.", 1);
  return samples;
}

constexpr auto kGauge = MetricType::gauge, kCounter = MetricType::counter, kInfo = MetricType::info,
               kHistogram = MetricType::histogram;

}  // namespace

TEST_CASE("two owners may not declare names that clash") {
  constexpr auto a = gauge("demo_a", "A."), count = gauge("demo_d", "D.");
  constexpr auto total = counter("demo_a_total", "A.");
  constexpr auto about = info("demo_b_info", "B.");
  constexpr auto b = gauge("demo_b", "B.");
  FamilyNames names;
  names.declare("x", a);
  names.declare("x", a);
  CHECK_THROWS_WITH(names.declare("y", a), "metric demo_a is declared by x and by y");
  CHECK_THROWS_WITH(names.declare("y", total), "metric demo_a_total is declared by x and by y");
  names.declare("x", about);
  CHECK_THROWS_WITH(names.declare("y", b), "metric demo_b is declared by x and by y");
  names.declare("y", count);
}

TEST_CASE("one owner may not declare names that clash") {
  constexpr auto a = gauge("demo_a", "A.");
  constexpr auto total = counter("demo_a_total", "A.");
  FamilyNames names;
  names.declare("x", a);
  CHECK_THROWS_WITH(names.declare("x", total), "metric demo_a_total clashes with demo_a of x");
}

TEST_CASE("a name from a source belongs to who uses it first") {
  FamilyNames names;
  CHECK(names.clashes(0, "a", named({{kGauge, "rows"}})).empty());
  CHECK(names.clashes(1, "b", named({{kCounter, "rows"}, {kGauge, "other"}})) == Names{"rows"});
  CHECK(names.clashes(1, "b", named({{kCounter, "rows"}, {kGauge, "other"}})) == Names{"rows"});
  CHECK(names.clashes(2, "c", named({{kGauge, "other"}})) == Names{"other"});
  // When its owner no longer uses it, another one gets it.
  CHECK(names.clashes(0, "a", named({{kGauge, "lines"}})).empty());
  CHECK(names.clashes(2, "c", named({{kGauge, "rows"}})).empty());
}

TEST_CASE("a name that becomes free goes to one that waits for it with unchanged families") {
  FamilyNames names;
  const auto wanted = named({{kGauge, "rows"}, {kGauge, "other"}});
  CHECK(names.clashes(0, "a", named({{kGauge, "rows"}})).empty());
  CHECK(names.clashes(1, "b", wanted) == Names{"rows"});
  CHECK(names.clashes(2, "c", wanted) == Names{"rows", "other"});
  // A collector keeps a name while it uses it, whatever else it uses.
  CHECK(names.clashes(0, "a", named({{kGauge, "rows"}, {kGauge, "lines"}})).empty());
  CHECK(names.clashes(1, "b", wanted) == Names{"rows"});
  CHECK(names.clashes(0, "a", named({})).empty());
  CHECK(names.clashes(1, "b", wanted).empty());
  CHECK(names.clashes(2, "c", wanted) == Names{"rows", "other"});
  CHECK(names.clashes(0, "a", named({{kGauge, "rows"}})) == Names{"rows"});
}

TEST_CASE("collectors of one name share their families") {
  FamilyNames names;
  CHECK(names.clashes(0, "a", named({{kGauge, "rows"}})).empty());
  CHECK(names.clashes(1, "a", named({{kGauge, "rows"}})).empty());
  CHECK(names.clashes(0, "a", named({})).empty());
  CHECK(names.clashes(2, "b", named({{kGauge, "rows"}})) == Names{"rows"});
}

TEST_CASE("a family has one type, whoever of one name uses it") {
  FamilyNames names;
  CHECK(names.clashes(0, "a", named({{kGauge, "rows"}})).empty());
  CHECK(names.clashes(1, "a", named({{kHistogram, "rows"}})) == Names{"rows"});
  CHECK(names.clashes(0, "a", named({})).empty());
  CHECK(names.clashes(2, "a", named({{kHistogram, "rows"}})).empty());
  // A collector that waits with the other type gets the name when the first one changes.
  CHECK(names.clashes(3, "a", named({{kGauge, "rows"}})) == Names{"rows"});
  CHECK(names.clashes(1, "a", named({})).empty());
  CHECK(names.clashes(2, "a", named({{kGauge, "rows"}})).empty());
  CHECK(names.clashes(3, "a", named({{kGauge, "rows"}})).empty());
}

TEST_CASE("names that are declared are not for the taking") {
  constexpr auto success = gauge("exporter_collector_success", "S.");
  FamilyNames names;
  names.declare("the exporter itself", success);
  CHECK(names.clashes(0, "a", named({{kGauge, "exporter_collector_success"}})) ==
        Names{"exporter_collector_success"});
}

TEST_CASE("a collector's own declared names are for the same family alone") {
  constexpr auto a = gauge("demo_a", "A.");
  FamilyNames names;
  names.declare("x", a);
  CHECK(names.clashes(0, "x", named({{kGauge, "demo_a"}})).empty());
  CHECK(names.clashes(0, "x", named({{kCounter, "demo_a_total"}})) == Names{"demo_a_total"});
  CHECK(names.clashes(1, "x", named({{kHistogram, "demo_a"}})) == Names{"demo_a"});
}

TEST_CASE("families clash by what OpenMetrics calls them and by the names of their lines") {
  const auto clash = [](std::pair<MetricType, const char*> one,
                        std::pair<MetricType, const char*> two) {
    FamilyNames across, within;
    across.clashes(0, "a", named({one}));
    const bool is_across = !across.clashes(1, "b", named({two})).empty();
    CHECK(within.clashes(0, "a", named({one, two})).empty() != is_across);
    return is_across;
  };
  CHECK(clash({kCounter, "a_total"}, {kGauge, "a"}));
  CHECK(clash({kGauge, "a"}, {kCounter, "a_total"}));
  CHECK(clash({kInfo, "a_info"}, {kGauge, "a"}));
  CHECK(clash({kHistogram, "a"}, {kGauge, "a_count"}));
  CHECK(clash({kGauge, "a_sum"}, {MetricType::summary, "a"}));
  CHECK_FALSE(clash({kGauge, "a"}, {kGauge, "a_total"}));
  CHECK_FALSE(clash({kGauge, "a"}, {kGauge, "b"}));
}
