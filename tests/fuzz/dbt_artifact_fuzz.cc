#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/app/settings.h"
#include "common/base/error.h"
#include "common/base/text.h"
#include "common/metric/text_parser.h"
#include "exporters/dbt/artifacts.h"
#include "exporters/dbt/families.h"

using namespace exporter;
using namespace exporter::dbt;

namespace {

constexpr const Part* kParts[] = {&kNodes,    &kOrigins,   &kInvocations, &kFreshness,
                                  &kCoverage, &kExposures, &kCatalog};

void must(bool holds) {
  if (!holds) std::abort();
}

Artifact artifact(std::string_view text, std::size_t piece) {
  return {"a.json", [=](const auto& sink) {
            for (std::size_t at = 0; at < text.size(); at += piece) sink(text.substr(at, piece));
          }};
}

void apply(Project& project, Kind kind, const Artifact& artifact) {
  const auto& labels = project.labels.env_labels;
  switch (kind) {
    case Kind::manifest: apply_manifest(project, read_manifest(artifact)); break;
    case Kind::run_results: apply_run_results(project, read_run_results(artifact, labels)); break;
    case Kind::sources:
    case Kind::freshness:
      apply_freshness(project, read_freshness_results(artifact, kind, labels));
      break;
    case Kind::catalog: apply_catalog(project, read_catalog(artifact)); break;
  }
}

std::string page_of(const Project& project) {
  static const Settings settings(Selection::flags(), {}, nullptr);
  static const Selection selection(settings);
  Samples samples;
  const auto shown = selection.choose(project, samples);
  for (const auto* part : kParts) part->add(samples, project, shown);
  must(samples.duplicates() == 0);
  std::string page;
  samples.render(Format::text, page);
  return page;
}

}  // namespace

/// Artifacts of one project, separated by 0x1e; the first byte of each is its kind, the second the
/// way to split it into pieces. A rejected one must be an Error{decode} that starts with the
/// artifact's name, and accepted ones must make a page that can be parsed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  Project project;
  project.name = "shop";
  project.labels = {{{"environment", "test"}}, ProjectLabels::default_env_labels()};
  project.labels.env_labels["team"] = {"TEAM"};
  while (!rest.empty()) {
    const auto part = next_part(rest, '\x1e');
    if (part.size() < 2) continue;
    const auto kind = kKinds[static_cast<std::uint8_t>(part[0]) % std::size(kKinds)];
    const auto piece = 1 + std::size_t{static_cast<std::uint8_t>(part[1])};
    try {
      apply(project, kind, artifact(part.substr(2), piece));
    } catch (const Error& error) {
      const std::string_view what = error.what();
      must(error.reason() == Reason::decode && what.starts_with("a.json: ") && valid_utf8(what));
    }
  }
  parse_text(page_of(project), "page");
  return 0;
}
