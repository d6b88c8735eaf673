#include <optional>

#include "common/base/time.h"
#include "exporters/dbt/content.h"
#include "exporters/dbt/projects.h"

namespace exporter::dbt {
namespace {

/// A command that writes the artifact; empty for what only dbt 2.0 writes.
std::string_view writer_of(Kind kind) {
  switch (kind) {
    case Kind::manifest: return "dbt parse";
    case Kind::run_results: return "dbt build";
    case Kind::sources: return "dbt source freshness";
    case Kind::catalog: return "dbt docs generate";
    case Kind::freshness: break;
  }
  return {};
}

/// "/srv/shop/target: written at 2026-01-02T03:04:05.000Z by dbt 1.10.3".
std::string described(const Found& found, const Metadata& metadata) {
  const auto at = std::chrono::floor<std::chrono::milliseconds>(metadata.generated_at);
  auto text = found.location + ": written at " + format_rfc3339(at);
  if (!metadata.dbt_version.empty()) text += " by dbt " + metadata.dbt_version;
  return text;
}

/// Reads the artifact; a bad finding if any of it is unreadable.
Finding read(const Found& found, const EnvLabels& env_labels) {
  const std::string kind(to_string(found.kind));
  try {
    return std::visit(
        [&](const auto& artifact) -> Finding {
          const auto& unread = artifact.unread;
          if (unread.parts == 0) return {kind, described(found, artifact.metadata)};
          return {
              kind,
              "parts left out: " + std::to_string(unread.parts) + ", the first: " + unread.error,
              false};
        },
        read_content(found, env_labels));
  } catch (const Error& error) {
    return {kind, error.what(), false};
  }
}

/// Each artifact that cannot be read, then the newest of those that can.
Findings check(Kind kind, const std::vector<Found>& all, const ProjectSource& project,
               const Deadline& deadline) {
  Findings findings;
  std::optional<Finding> newest;
  std::size_t count = 0;
  for (auto found = all.rbegin(); found != all.rend(); ++found) {
    if (found->kind != kind) continue;
    deadline.check();
    auto finding = read(*found, project.labels.env_labels);
    if (!finding.is_good) {
      findings.push_back(std::move(finding));
    } else if (++count; !newest) {
      newest = std::move(finding);
    }
    if (project.is_remote) break;
  }
  if (newest) {
    if (count > 1) newest->text += ", and " + std::to_string(count - 1) + " more";
    findings.push_back(*std::move(newest));
  }
  if (const auto writer = writer_of(kind); findings.empty() && !writer.empty()) {
    findings.push_back(
        {std::string(to_string(kind)), "none; " + std::string(writer) + " writes it"});
  }
  return findings;
}

}  // namespace

Findings check_project(ProjectSource& project, std::span<const std::string_view>,
                       const Deadline& deadline) {
  std::vector<Found> all;
  try {
    all = project.list(deadline);
    if (all.empty()) throw project.list.no_artifacts();
  } catch (const Error& error) {
    return {{"artifacts", error.what(), false}};
  }
  Findings findings;
  for (const auto kind : kKinds) {
    for (auto& finding : check(kind, all, project, deadline)) {
      findings.push_back(std::move(finding));
    }
  }
  return findings;
}

}  // namespace exporter::dbt
