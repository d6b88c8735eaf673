#include "common/collect/family_names.h"

#include <algorithm>

#include "common/base/error.h"

namespace exporter {

std::vector<std::string> taken_names(MetricType type, std::string_view name) {
  const std::string whole(name);
  const auto without = [&](std::string_view suffix) {
    return name.ends_with(suffix) ? whole.substr(0, whole.size() - suffix.size()) : whole;
  };
  switch (type) {
    case MetricType::counter: return {without("_total"), without("_total") + "_total"};
    case MetricType::info: return {without("_info"), without("_info") + "_info"};
    case MetricType::histogram: return {whole, whole + "_bucket", whole + "_count", whole + "_sum"};
    case MetricType::summary: return {whole, whole + "_count", whole + "_sum"};
    case MetricType::gauge:
    case MetricType::untyped: break;
  }
  return {whole};
}

void FamilyNames::declare(const std::string& owner, const MetricView& metric) {
  for (const auto& name : taken_names(metric.type, metric.name)) {
    const auto& first = declared_.try_emplace(name, owner).first->second;
    if (first == owner) continue;
    throw Error(Reason::config, "metric " + std::string(metric.name) + " is declared by " + first +
                                    " and by " + owner);
  }
}

void FamilyNames::release(const Use& use) {
  for (const auto& name : use.claimed) {
    const auto claim = claims_.find(name);
    if (--claim->second.users > 0) continue;
    claims_.erase(claim);
    ++names_freed_;
  }
}

bool FamilyNames::may_take(const std::string& name, const std::string& owner,
                           const Samples::FamilyLines& family) const {
  const auto declared = declared_.find(name);
  if (declared != declared_.end() && declared->second != owner) return false;
  const auto claim = claims_.find(name);
  if (claim == claims_.end()) return true;
  return claim->second.owner == owner && claim->second.family == family.name &&
         claim->second.type == family.type;
}

const std::set<std::string, std::less<>>& FamilyNames::clashes(std::size_t user,
                                                               const std::string& owner,
                                                               const Samples& samples) {
  auto& use = uses_[user];
  auto families = samples.families();
  std::erase_if(families, [](const auto& family) { return !family.is_named; });
  // A collector names the same families in most runs, and what it may not use stays another's until
  // some name becomes free.
  const bool same = std::equal(families.begin(), families.end(), use.families.begin(),
                               use.families.end(), [](const auto& now, const auto& before) {
                                 return now.name == before.first && now.type == before.second;
                               });
  if (same && (use.clashing.empty() || use.names_freed == names_freed_)) return use.clashing;
  release(use);
  use = {};
  for (const auto& family : families) {
    use.families.emplace_back(family.name, family.type);
    auto names = taken_names(family.type, family.name);
    if (!std::all_of(names.begin(), names.end(),
                     [&](const std::string& name) { return may_take(name, owner, family); })) {
      use.clashing.emplace(family.name);
      continue;
    }
    for (auto& name : names) {
      const Claim claim{owner, std::string(family.name), family.type, 0};
      ++claims_.try_emplace(name, claim).first->second.users;
      use.claimed.push_back(std::move(name));
    }
  }
  use.names_freed = names_freed_;
  return use.clashing;
}

}  // namespace exporter
