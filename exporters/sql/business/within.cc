#include "exporters/sql/business/within.h"

#include "common/base/error.h"

namespace exporter::sql::business {
namespace {

constexpr std::chrono::hours kPart(24);

}  // namespace

Within::Within(const Period& period, std::chrono::milliseconds length) : length_(length) {
  for (auto cut = period.begin; cut < period.end; cut += kPart) cuts_.push_back(cut);
}

/// What begins after a cut, and ends before the cut and the length, is in time. What begins before
/// the first one, as clocks differ, is left to count().
std::string Within::statement(const std::string& with, const std::string& pairs,
                              const std::string& groups) const {
  std::string in_time = "begun >= :cut1 AND ended < ";
  if (cuts_.size() == 1) {
    in_time += ":sure1";
  } else {
    in_time += "CASE";
    for (std::size_t i = 1; i < cuts_.size(); ++i) {
      in_time += " WHEN begun < :cut" + std::to_string(i + 1) + " THEN :sure" + std::to_string(i);
    }
    in_time += " ELSE :sure" + std::to_string(cuts_.size()) + " END";
  }
  return "WITH " + with + ", decided AS (SELECT " + groups +
         ", begun, ended, CASE WHEN ended IS NULL THEN 0 WHEN " + in_time +
         " THEN 1 ELSE 2 END AS decision FROM " + pairs + "), reduced AS (SELECT " + groups +
         ", decision, CASE WHEN decision = 2 THEN begun END AS begun, "
         "CASE WHEN decision = 2 THEN ended END AS ended FROM decided) SELECT " +
         groups + ", decision, begun, ended, COUNT(*) AS pairs FROM reduced GROUP BY " + groups +
         ", decision, begun, ended";
}

void Within::add_to(Parameters& parameters) const {
  for (std::size_t i = 0; i < cuts_.size(); ++i) {
    parameters["cut" + std::to_string(i + 1)] = cuts_[i];
    parameters["sure" + std::to_string(i + 1)] = cuts_[i] + length_;
  }
}

Within::Count Within::count(const Row& row) const {
  const auto pairs = row.number("pairs");
  const auto decision = row.number("decision");
  if (decision != 2) return {decision == 1, pairs};
  const auto begun = row.time("begun"), ended = row.time("ended");
  if (!begun || !ended) throw Error(Reason::decode, "begun, ended: NULL");
  return {*ended < *begun + length_, pairs};
}

}  // namespace exporter::sql::business
