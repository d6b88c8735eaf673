#include <algorithm>

#include "exporters/dbt/families.h"

namespace exporter::dbt {
namespace {

constexpr Flag kPackageInclude{"nodes.package-include", "", "Regexp of packages to include."};
constexpr Flag kPackageExclude{"nodes.package-exclude", "", "Regexp of packages to exclude."};
constexpr Flag kTagInclude{"nodes.tag-include", "",
                           "Regexp of tags; include only nodes with a matching tag."};
constexpr Flag kTagExclude{"nodes.tag-exclude", "",
                           "Regexp of tags; exclude nodes with a matching tag."};
constexpr Flag kTypeInclude{"nodes.resource-type-include", "",
                            "Regexp of resource types (model, test, source, ...) to include."};
constexpr Flag kTypeExclude{"nodes.resource-type-exclude", "",
                            "Regexp of resource types to exclude."};
constexpr Flag kPathInclude{"nodes.path-include", "",
                            "Regexp of paths below the project's directory to show."};
constexpr Flag kPathExclude{"nodes.path-exclude", "", "Regexp of paths to exclude."};
constexpr Flag kLimit{"nodes.limit", "20000",
                      "Maximum number of nodes shown per project; those that fail are kept first, "
                      "then those that warn."};
constexpr Flag kFlags[] = {kPackageInclude, kPackageExclude, kTagInclude,
                           kTagExclude,     kTypeInclude,    kTypeExclude,
                           kPathInclude,    kPathExclude,    kLimit};

/// A node with results but without a manifest: the parts of its id.
Node without_manifest(const std::string& unique_id) {
  Node node;
  node.unique_id = unique_id;
  node.resource_type = resource_type_of(unique_id);
  auto rest = std::string_view(unique_id).substr(node.resource_type.size());
  if (!rest.empty()) rest.remove_prefix(1);
  node.package = rest.substr(0, rest.find('.'));
  return node;
}

/// The order in which nodes are kept.
enum Rank { kFails, kWarns, kRan, kRest };

Rank rank_of(std::string_view status) {
  if (outcome_of(status) == Outcome::failure) return kFails;
  return status == "warn" ? kWarns : kRan;
}

Rank rank(const Project& project, const std::string& unique_id) {
  if (const auto ran = project.nodes.find(unique_id); ran != project.nodes.end()) {
    return ran->second.consecutive_failures > 0 ? kFails : rank_of(ran->second.last.status);
  }
  const auto measured = project.freshness.find(unique_id);
  return measured == project.freshness.end() ? kRest : rank_of(measured->second.last.status);
}

}  // namespace

std::span<const Flag> Selection::flags() { return kFlags; }

Selection::Selection(const Settings& settings)
    : package_(settings, kPackageInclude.name, kPackageExclude.name, Filter::Match::whole),
      resource_type_(settings, kTypeInclude.name, kTypeExclude.name, Filter::Match::whole),
      path_(settings, kPathInclude.name, kPathExclude.name),
      tag_include_(settings, kTagInclude.name, {}, Filter::Match::whole),
      tag_exclude_(settings, {}, kTagExclude.name, Filter::Match::whole),
      by_tag_(!settings.text(kTagInclude.name).empty()),
      limit_(settings.count(kLimit.name)) {}

bool Selection::passes(const Node& node) const {
  const auto is_included = [&](const std::string& tag) { return tag_include_.passes(tag); };
  const auto is_not_excluded = [&](const std::string& tag) { return tag_exclude_.passes(tag); };
  return package_.passes(node.package) && resource_type_.passes(node.resource_type) &&
         path_.passes(node.path) && std::ranges::all_of(node.tags, is_not_excluded) &&
         (!by_tag_ || std::ranges::any_of(node.tags, is_included));
}

std::vector<std::string> Selection::choose(const Project& project, Samples& samples) const {
  std::vector<std::string> chosen;
  if (project.manifest) {
    for (const auto& [id, node] : project.manifest->nodes) {
      if (passes(node)) chosen.push_back(id);
    }
  }
  // A node that the manifest would contain but does not is no longer in the project.
  for (const auto& [id, history] : project.nodes) {
    if (project.manifest && is_in_manifest(resource_type_of(id))) continue;
    if (passes(without_manifest(id))) chosen.push_back(id);
  }
  if (chosen.size() <= limit_) return chosen;
  samples.count_dropped(chosen.size() - limit_);
  std::ranges::stable_sort(chosen, {}, [&](const std::string& id) { return rank(project, id); });
  chosen.resize(limit_);
  return chosen;
}

}  // namespace exporter::dbt
