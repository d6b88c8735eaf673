#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "common/base/error.h"
#include "common/base/time.h"
#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kInfo =
    info("node_os_info", "Information from os-release about the operating system.", "build_id",
         "id", "id_like", "image_id", "image_version", "name", "pretty_name", "variant",
         "variant_id", "version", "version_codename", "version_id");
constexpr auto kVersion =
    gauge("node_os_version", "Metric containing the major.minor part of the OS version.", "id",
          "id_like", "name");
constexpr auto kSupportEnd = gauge("node_os_support_end_timestamp_seconds",
                                   "Metric containing the end-of-life date timestamp of the OS.");
constexpr MetricView kMetrics[] = {kInfo, kVersion, kSupportEnd};

/// The variables of os-release(5), in the order of kInfo's labels; the last one is not a label.
constexpr std::string_view kVariables[] = {
    "BUILD_ID",    "ID",      "ID_LIKE",    "IMAGE_ID", "IMAGE_VERSION",    "NAME",
    "PRETTY_NAME", "VARIANT", "VARIANT_ID", "VERSION",  "VERSION_CODENAME", "VERSION_ID",
    "SUPPORT_END"};
constexpr std::size_t kId = 1, kIdLike = 2, kName = 5, kVersionId = 11, kEnd = 12;

using Release = std::array<std::string, std::size(kVariables)>;

/// Removes quotes and backslashes as a shell does.
std::string unquote(const Lines& lines, std::string_view text) {
  std::string value;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool more = i + 1 < text.size();
    if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == '\\' && more && quote != '\'' &&
               (quote == 0 || std::string_view("\"\\$`").find(text[i + 1]) != text.npos)) {
      value += text[++i];
    } else {
      value += c;
    }
  }
  if (quote != 0) lines.fail("a quote is not closed");
  return value;
}

void parse(const Lines& lines, std::string_view line, Release& release) {
  auto rest = trim(line);
  if (rest.empty() || rest.starts_with('#')) return;
  if (rest.find('=') == rest.npos) lines.fail("expected NAME=value");
  const auto name = next_part(rest, '=');
  for (std::size_t i = 0; i < release.size(); ++i) {
    if (name != kVariables[i]) continue;
    auto value = unquote(lines, rest);
    if (i == kEnd && !parse_rfc3339(value + "T00:00:00Z")) {
      lines.fail("expected a date such as 2030-12-31");
    }
    release[i] = std::move(value);
  }
}

/// A line that is malformed, as of a file that was edited by hand, is left out.
Release parse(Lines& lines, Samples& samples) {
  Release release;
  for (std::string_view line; lines.next(line);) {
    try {
      parse(lines, line, release);
    } catch (const Error& error) {
      samples.note_malformed_row(error.what());
    }
  }
  return release;
}

/// The number at the front of "22.04.1 LTS": 22.04.
std::optional<double> major_minor(std::string_view version) {
  auto end = version.find_first_not_of("0123456789");
  if (end != version.npos && version[end] == '.') {
    end = version.find_first_not_of("0123456789", end + 1);
  }
  return parse_number<double>(version.substr(0, end));
}

class Os {
 public:
  explicit Os(const Host& host) : root_(host.rootfs, Files::Tree::proc) {}

  void collect(Samples& samples, const Deadline&) {
    for (const auto path : {"etc/os-release", "usr/lib/os-release"}) {
      const auto text = root_.read(path);
      if (!text) continue;
      Lines lines(root_.path(path), *text);
      add(samples, parse(lines, samples));
      return;
    }
  }

 private:
  static void add(Samples& samples, const Release& release) {
    std::array<std::string_view, kEnd> labels;
    std::copy_n(release.begin(), kEnd, labels.begin());
    samples.add(MetricView(kInfo), 1, labels);
    if (const auto version = major_minor(release[kVersionId]); version && *version > 0) {
      samples.add(kVersion, *version, release[kId], release[kIdLike], release[kName]);
    }
    if (release[kEnd].empty()) return;
    const auto end = parse_rfc3339(release[kEnd] + "T00:00:00Z");
    samples.add(kSupportEnd, std::chrono::duration<double>(end->time_since_epoch()).count());
  }

  Files root_;
};

}  // namespace

extern constinit const Module kOs{"os", Module::Default::on, kMetrics, {}, make<Os>};

}  // namespace exporter::host
