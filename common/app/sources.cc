#include "common/app/sources.h"

#include <map>
#include <optional>
#include <set>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/text.h"

namespace exporter {
namespace {

constexpr auto kShortest = std::chrono::seconds(1);  // of intervals and timeouts

struct Source {
  std::string name;
  std::optional<Yaml> collectors;  ///< the settings of its own
  std::shared_ptr<void> made;
};

/// The entry that the flags of a single source describe.
Yaml entry_of_flags(const AnySourceKind& kind, const Settings& settings) {
  std::vector<Yaml::FlagValue> values;
  for (const auto& [flag, key] : kind.flags) {
    values.push_back({std::string(key), settings.text(flag.name), settings.origin(flag.name)});
  }
  return Yaml::from_flags(values);
}

std::string read_name(const Yaml& entry) {
  const auto name = entry.required("name");
  auto text = name.string();
  if (text.empty() || text.size() > kMaxSourceName) {
    name.fail("expected 1 to " + std::to_string(kMaxSourceName) + " bytes");
  }
  return text;
}

class Reader {
 public:
  Reader(const AnySourceKind& kind, const SourcesInputs& inputs) : kind_(kind), inputs_(inputs) {}

  std::vector<Source> read() const {
    const auto& settings = *inputs_.settings;
    if (kind_.label.empty()) {
      std::vector<Source> one;
      one.push_back({{}, {}, make({}, Yaml::from_flags({}))});
      return one;
    }
    const bool has_list = inputs_.file != nullptr && !kind_.key.empty();
    const auto list = has_list ? inputs_.file->optional(kind_.key) : std::nullopt;
    std::vector<Source> sources;
    if (!list && has_none()) {
      for (const auto key : kind_.more_keys) {
        if (inputs_.file != nullptr) inputs_.file->optional(key);
      }
      return {};
    }
    if (!list) {
      const auto entry = entry_of_flags(kind_, settings);
      auto name = read_name(entry);
      auto made = make(name, entry);
      sources.push_back({std::move(name), {}, std::move(made)});
      return sources;
    }
    for (const auto& [flag, key] : kind_.flags) {
      if (!settings.is_default(flag.name)) {
        settings.fail(flag.name, "the file has a list of " + std::string(kind_.key));
      }
    }
    std::set<std::string> names;
    for (const auto& entry : list->items()) {
      auto name = read_name(entry);
      if (!names.insert(name).second) entry.required("name").fail("duplicate name");
      auto made = make(name, entry);
      sources.push_back({std::move(name), entry.optional("collector"), std::move(made)});
    }
    if (sources.empty()) list->fail("expected at least one of them");
    return sources;
  }

 private:
  bool has_none() const {
    const auto flag = kind_.needed_flag;
    if (flag.empty() || !inputs_.settings->text(flag).empty()) return false;
    if (inputs_.starting) {
      log::warn("nothing to read: neither the configuration file nor a flag names a source",
                {{"key", kind_.key}, {"flag", "--" + std::string(flag)}});
    }
    return true;
  }

  std::shared_ptr<void> make(const std::string& name, const Yaml& entry) const {
    return kind_.make({name, entry, inputs_.settings, inputs_.upstreams, inputs_.ledgers,
                       inputs_.starting, inputs_.is_asked, inputs_.file});
  }

  const AnySourceKind& kind_;
  const SourcesInputs& inputs_;
};

/// The settings of one collector of one source; those in the source's entry have priority.
class Choice {
 public:
  Choice(const AnyModule& module, const Source& source, const Settings& settings)
      : module_(module),
        settings_(settings),
        is_enabled_(settings.enabled(enabled_flag(module.name))),
        schedule_(module.schedule_for ? module.schedule_for(source.made.get()) : module.schedule),
        timeout_(module.timeout) {
    if (std::holds_alternative<Every>(module.schedule)) read_settings();
    const auto own = source.collectors ? source.collectors->optional(module.name) : std::nullopt;
    if (own) read_own(*own);
  }

  bool is_enabled() const { return is_enabled_; }
  const Schedule& schedule() const { return schedule_; }
  Clock::duration timeout() const { return timeout_; }

 private:
  static constexpr const char* kTooShort = "expected a duration of at least 1s";

  /// The flag's interval is checked even if the source's entry overrides it.
  void read_settings() {
    const auto read = [&](const std::string& flag, Clock::duration& value) {
      if (settings_.is_default(flag)) return;
      value = settings_.duration(flag);
      if (value < kShortest) settings_.fail(flag, kTooShort);
    };
    auto* every = std::get_if<Every>(&schedule_);
    Clock::duration unused{};
    read(interval_flag(module_.name), every != nullptr ? every->interval : unused);
    read(timeout_flag(module_.name), timeout_);
  }

  void read_own(const Yaml& own) {
    const auto read = [](const std::optional<Yaml>& given, Clock::duration& value) {
      if (!given) return;
      value = given->duration();
      if (value < kShortest) given->fail(kTooShort);
    };
    if (const auto enabled = own.optional("enabled")) is_enabled_ = enabled->boolean();
    const auto interval = own.optional("interval"), timeout = own.optional("timeout");
    auto* every = std::get_if<Every>(&schedule_);
    if (interval && every == nullptr) interval->fail("this collector runs on each scrape");
    if (every != nullptr) read(interval, every->interval);
    read(timeout, timeout_);
  }

  const AnyModule& module_;
  const Settings& settings_;
  bool is_enabled_;
  Schedule schedule_;
  Clock::duration timeout_;
};

}  // namespace

std::string enabled_flag(std::string_view collector) {
  return "collector." + std::string(collector) + ".enabled";
}

std::string interval_flag(std::string_view collector) {
  return "collector." + std::string(collector) + ".interval";
}

std::string timeout_flag(std::string_view collector) {
  return "collector." + std::string(collector) + ".timeout";
}

MadeSources make_sources(const AnySourceKind& kind, std::span<const AnyModule> modules,
                         const SourcesInputs& inputs) {
  const auto sources = Reader(kind, inputs).read();
  MadeSources all;
  std::map<std::string, std::vector<std::string_view>> enabled;  // by the source's name
  for (const auto& source : sources) {
    if (!kind.describe) break;
    for (auto& collector : kind.describe(source.made)) {
      collector.source = source.name;
      all.collectors.push_back(std::move(collector));
    }
  }
  for (const auto& module : modules) {
    for (const auto& source : sources) {
      const Choice choice(module, source, *inputs.settings);
      if (!choice.is_enabled()) continue;
      enabled[source.name].push_back(module.name);
      all.collectors.push_back({.name = std::string(module.name),
                                .source = source.name,
                                .schedule = choice.schedule(),
                                .timeout = choice.timeout(),
                                .metrics = module.metrics,
                                .collect = module.make(source.made),
                                .at_once = module.runs_beside_others ? 0 : kind.at_once,
                                .says_up = module.says_up});
      if (!module.make_past) continue;
      all.pasts.push_back({module.name, source.name,
                           [make = module.make_past, made = source.made](const PastRange& range) {
                             return make(made, range);
                           }});
    }
  }
  for (const auto& report : kind.reports) {
    for (const auto& source : sources) {
      all.reports.push_back(
          {report.flag, [write = report.write, made = source.made, names = enabled[source.name]](
                            std::string_view argument, const Deadline& deadline) {
             return write(made.get(), {names, argument, deadline});
           }});
    }
  }
  if (!kind.check) return all;
  for (const auto& source : sources) {
    all.checks.push_back({source.name, [check = kind.check, made = source.made,
                                        names = enabled[source.name]](const Deadline& deadline) {
                            return check(made.get(), names, deadline);
                          }});
  }
  return all;
}

}  // namespace exporter
