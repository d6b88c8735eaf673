#include "common/collect/family_names.h"

#include <algorithm>
#include <utility>

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
    const Claim claim{owner, std::string(metric.name), metric.type, 0};
    const auto& first = declared_.try_emplace(name, claim).first->second;
    if (first.is_of(owner, metric.name, metric.type)) continue;
    const auto what = "metric " + claim.family;
    if (first.owner == owner) {
      throw Error(Reason::config, what + " clashes with " + first.family + " of " + owner);
    }
    throw Error(Reason::config, what + " is declared by " + first.owner + " and by " + owner);
  }
}

std::set<std::string, std::less<>> FamilyNames::declared_otherwise(const std::string& owner,
                                                                   const Samples& samples) const {
  std::set<std::string, std::less<>> found;
  for (const auto& family : samples.families()) {
    for (const auto& name : taken_names(family.type, family.name)) {
      const auto claim = declared_.find(name);
      if (claim == declared_.end()) continue;
      if (!claim->second.is_of(owner, family.name, family.type)) found.emplace(family.name);
    }
  }
  return found;
}

void FamilyNames::release(const Use& use) {
  for (const auto& name : use.claimed) {
    const auto claim = claims_.find(name);
    if (--claim->second.users == 0) claims_.erase(claim);
  }
}

bool FamilyNames::may_take(const std::string& name, const std::string& owner,
                           const Samples::FamilyLines& family) const {
  const auto is_free_in = [&](const auto& claims) {
    const auto claim = claims.find(name);
    return claim == claims.end() || claim->second.is_of(owner, family.name, family.type);
  };
  return is_free_in(declared_) && is_free_in(claims_);
}

const std::set<std::string, std::less<>>& FamilyNames::clashes(std::size_t user,
                                                               const std::string& owner,
                                                               const Samples& samples) {
  auto& use = uses_[user];
  auto families = samples.families();
  std::erase_if(families, [](const auto& family) { return !family.is_named; });
  // Most runs name the same families, and a name that is in use stays so until some name is
  // released.
  const bool same = std::equal(families.begin(), families.end(), use.families.begin(),
                               use.families.end(), [](const auto& now, const auto& before) {
                                 return now.name == before.first && now.type == before.second;
                               });
  if (same && (use.clashing.empty() || use.names_freed == names_freed_)) return use.clashing;
  release(use);
  const auto before = std::exchange(use, {}).claimed;
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
  // If nothing changed, the others that wait for a name need not check again.
  if (!before.empty() && !(same && before == use.claimed)) ++names_freed_;
  use.names_freed = names_freed_;
  return use.clashing;
}

}  // namespace exporter
