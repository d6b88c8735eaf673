#include "exporters/sql/business/within.h"

#include "common/base/error.h"

namespace exporter::sql::business {
namespace {

constexpr std::chrono::hours kPart(24);

}  // namespace

Within::Within(const Period& period, std::chrono::milliseconds length) : length_(length) {
  for (auto cut = period.begin; cut < period.end; cut += kPart) cuts_.push_back(cut);
}

/// Within a part, an `ended` before the start of the part plus the length is in time, and one after
/// its end plus the length is not. The rest, and pairs that begin outside of the parts, are left to
/// count().
std::string Within::statement(const std::string& with, const std::string& pairs,
                              const std::string& groups) const {
  std::string sure = "CASE WHEN begun < :cut1 THEN NULL", late = "CASE";
  for (std::size_t i = 1; i <= cuts_.size(); ++i) {
    const auto next = std::to_string(i + 1);
    sure += " WHEN begun < :cut" + next + " THEN :sure" + std::to_string(i);
    late += " WHEN begun < :cut" + next + " THEN :sure" + next;
  }
  return "WITH " + with + ", decided AS (SELECT " + groups +
         ", begun, ended, CASE WHEN ended IS NULL THEN 0 WHEN ended < " + sure +
         " END THEN 1 WHEN ended >= " + late + " END THEN 0 ELSE 2 END AS decision FROM " + pairs +
         "), reduced AS (SELECT " + groups +
         ", decision, CASE WHEN decision = 2 THEN begun END AS begun, "
         "CASE WHEN decision = 2 THEN ended END AS ended FROM decided) SELECT " +
         groups + ", decision, begun, ended, COUNT(*) AS pairs FROM reduced GROUP BY " + groups +
         ", decision, begun, ended";
}

void Within::add_to(Parameters& parameters) const {
  for (std::size_t i = 0; i <= cuts_.size(); ++i) {
    const auto cut = i < cuts_.size() ? cuts_[i] : cuts_.back() + kPart;
    parameters["cut" + std::to_string(i + 1)] = cut;
    parameters["sure" + std::to_string(i + 1)] = cut + length_;
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
