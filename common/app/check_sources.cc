#include "common/app/check_sources.h"

#include <algorithm>

#include "common/app/process.h"
#include "common/base/error.h"
#include "common/base/text.h"

namespace exporter {
namespace {

constexpr auto kPatience = std::chrono::minutes(1);
constexpr std::size_t kMostText = 1000;

Findings findings_of(const SourceCheck& check) {
  try {
    return check.ask(Deadline::in(kPatience));
  } catch (const Error& error) {
    return {{"check", error.what(), false}};
  }
}

/// "prod", then a line for each finding.
std::string written(const std::string& source, const Findings& findings) {
  std::size_t width = 0;
  for (const auto& finding : findings) width = std::max(width, finding.what.size());
  auto text = source + '\n';
  for (const auto& finding : findings) {
    text += (finding.is_good && !finding.is_warning ? "  " : "! ") + finding.what;
    text.append(width + 2 - finding.what.size(), ' ') += printable(finding.text, kMostText) + '\n';
  }
  return text;
}

}  // namespace

int check_sources(std::span<const SourceCheck> checks) {
  bool is_good = true;
  for (const auto& check : checks) {
    const auto findings = findings_of(check);
    is_good = is_good && std::ranges::all_of(findings, &Finding::is_good);
    process::print(written(check.source, findings));
  }
  return is_good ? 0 : 1;
}

}  // namespace exporter
