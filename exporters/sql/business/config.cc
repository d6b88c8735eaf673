#include "exporters/sql/business/config.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/metric/metric.h"

namespace exporter::sql::business {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr std::size_t kMaxName = 60;
constexpr std::int64_t kMaxCampaigns = 200;

milliseconds read_duration(const Yaml& map, std::string_view key, milliseconds fallback,
                           milliseconds least) {
  const auto value = map.optional(key);
  if (!value) return fallback;
  const auto duration = value->duration();
  if (duration < least) value->fail("too short");
  return duration;
}

bool is_for(const Yaml& map, const std::string& source, const std::vector<std::string>& sources) {
  const auto given = map.optional("source");
  if (!given) {
    if (sources.size() > 1) map.required("source");
    return true;
  }
  if (std::ranges::find(sources, given->string()) == sources.end()) {
    given->fail("there is no source of this name");
  }
  return given->string() == source;
}

TimeZone read_zone(const Yaml& map) {
  const auto zone = map.required("timezone");
  try {
    return TimeZone::load(zone.string());
  } catch (const Error& error) {
    zone.fail(error.what());
  }
}

std::string read_event(const Yaml& map, std::string_view key) {
  const auto value = map.required(key);
  auto name = value.string();
  if (name.empty()) value.fail("expected the name of an event");
  return name;
}

std::vector<Funnel> read_funnels(const Yaml& map) {
  std::vector<Funnel> funnels;
  const auto given = map.optional("funnels");
  if (!given) return funnels;
  for (const auto& [name, entry] : given->entries()) {
    if (name.empty() || name.size() > kMaxName) entry.fail("expected a shorter name");
    Funnel funnel{name,
                  read_event(entry, "start"),
                  read_event(entry, "end"),
                  read_duration(entry, "within", hours(24), std::chrono::minutes(1)),
                  {}};
    if (funnel.within > hours(24 * 90)) entry.required("within").fail("expected at most 90d");
    if (const auto by = entry.optional("by")) {
      funnel.by = by->string();
      if (funnel.by != "channel" && funnel.by != "campaign") {
        by->fail("expected channel or campaign");
      }
    }
    funnels.push_back(std::move(funnel));
  }
  return funnels;
}

std::size_t read_campaigns(const Yaml& map) {
  const auto given = map.optional("campaigns");
  if (!given) return 20;
  const auto count = given->integer();
  if (count < 1 || count > kMaxCampaigns) given->fail("expected 1 to 200");
  return std::size_t(count);
}

}  // namespace

std::shared_ptr<const Config> read_config(const Yaml& map, const std::string& source,
                                          const std::vector<std::string>& sources) {
  const bool is_this = is_for(map, source, sources);
  const auto dataset = map.optional("dataset");
  auto config = std::make_shared<const Config>(
      Config{.dataset = dataset ? dataset->string() : source,
             .zone = read_zone(map),
             .every = read_duration(map, "every", std::chrono::minutes(5), std::chrono::seconds(1)),
             .timeout = read_duration(map, "timeout", std::chrono::seconds(60), milliseconds(100)),
             .funnels = read_funnels(map),
             .campaigns = read_campaigns(map),
             .max_age = read_duration(map, "max_age", hours(6), std::chrono::minutes(1)),
             .overlap = read_duration(map, "overlap", hours(1), std::chrono::seconds(1)),
             .late = read_duration(map, "late", hours(24 * 7), std::chrono::seconds(1)),
             .past = read_duration(map, "past", {}, {})});
  if (config->late < config->overlap) map.fail("late: expected at least the overlap");
  return is_this ? config : nullptr;
}

}  // namespace exporter::sql::business
