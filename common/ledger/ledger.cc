#include "common/ledger/ledger.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/base/time.h"
#include "common/ledger/store.h"

namespace exporter {
namespace {

std::string rfc3339(ledger::Time time) {
  return format_rfc3339(std::chrono::floor<std::chrono::milliseconds>(time));
}

bool valid_file_name(std::string_view name) {
  const auto ordinary = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == '~' || c == '%';
  };
  return !name.empty() && name.size() <= 128 && name[0] != '.' &&
         std::all_of(name.begin(), name.end(), ordinary);
}

/// SQLite would tell of something else: it opens for reading what it cannot write.
void check_access(std::string_view what, const std::filesystem::path& path, int mode) {
  if (::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) != 0) {
    throw io_error(std::string(what) + path.string(), errno);
  }
}

std::string path_of(const std::string& name, const std::filesystem::path& state_dir) {
  if (!valid_file_name(name)) {
    throw Error(Reason::config, "\"" + name + "\" cannot be the name of a ledger");
  }
  if (state_dir.empty()) return {};
  constexpr std::string_view kFolder = "state folder ";
  if (::mkdir(state_dir.c_str(), 0755) != 0 && errno != EEXIST) {
    throw io_error(std::string(kFolder) + state_dir.string(), errno);
  }
  const auto file = state_dir / (name + ".ledger");
  check_access(kFolder, state_dir / "", W_OK | X_OK);
  if (std::filesystem::exists(file)) check_access("", file, R_OK | W_OK);
  return file;
}

void rename(const std::string& from, const std::string& to) {
  std::error_code error;
  std::filesystem::rename(from, to, error);
  if (error && error != std::errc::no_such_file_or_directory) throw io_error(from, error.value());
}

}  // namespace

Ledger::Ledger(std::string name, const std::filesystem::path& state_dir, const Options& options,
               Time now)
    : name_(std::move(name)), path_(path_of(name_, state_dir)) {
  set_options(options);
  open(now);
}

Ledger::~Ledger() = default;

void Ledger::set_options(const Options& options) {
  const std::chrono::microseconds zero{0};
  if (options.allowed_lateness < zero || options.past < zero || options.retention < zero) {
    throw Error(Reason::config, "a ledger's times cannot be negative");
  }
  const std::lock_guard lock(mutex_);
  options_ = options;
}

ledger::Store& Ledger::usable_store(Time now) {
  if (unusable_) {
    store_.reset();
    open(now);
    unusable_ = false;
  }
  return *store_;
}

void Ledger::open(Time now) {
  try {
    load(now);
  } catch (const ledger::UnusableFile& error) {
    set_aside(error.what(), now);
    load(now);
  }
}

void Ledger::load(Time now) {
  const Time since = now - options_.past;
  auto store =
      std::make_unique<ledger::Store>(path_, ledger::State{now, since, since, since, now, {}});
  auto state = store->load_state();
  auto series = store->load_series();
  if (store->is_new() && !path_.empty()) {
    log::info("ledger begins", {{"file", path_}, {"since", rfc3339(since)}});
  }
  const auto size = store->size_bytes();
  const std::lock_guard lock(mutex_);
  store_ = std::move(store);
  state_ = std::move(state);
  series_ = std::move(series);
  size_bytes_ = size;
}

void Ledger::set_aside(const std::string& why, Time now) {
  const auto aside = path_ + ".unusable-" + rfc3339(now);
  rename(path_, aside);
  rename(path_ + "-wal", aside + "-wal");
  log::error("ledger cannot be used and was set aside: its counters begin again",
             {{"error", why}, {"moved_to", aside}});
  const std::lock_guard lock(mutex_);
  discarded_ = true;
}

void Ledger::add_to(Samples& samples, const MetricView& metric, std::span<const double> bounds,
                    const Keep& keep) const {
  std::string family;
  ledger::append_family_key(family, metric, bounds);
  std::vector<std::string_view> labels(metric.labels.size());
  std::vector<std::uint64_t> counts(bounds.size() + 1);
  const std::lock_guard lock(mutex_);
  for (auto at = series_.lower_bound(family); at != series_.end(); ++at) {
    const auto& [key, series] = *at;
    if (!key.starts_with(family)) break;
    auto rest = std::string_view(key).substr(family.size());
    for (auto& label : labels) label = next_part(rest, ledger::kEndOfLabel);
    if (keep && !keep(labels)) continue;
    if (metric.type != MetricType::histogram) {
      samples.add(metric, series.cells.front().shown.value(), labels);
      continue;
    }
    for (std::size_t i = 0; i < counts.size(); ++i) {
      counts[i] = static_cast<std::uint64_t>(series.cells[i].shown.value());
    }
    samples.add_histogram(metric, bounds, counts, series.cells.back().shown.value(), labels);
  }
}

Ledger::Figures Ledger::figures() const {
  const std::lock_guard lock(mutex_);
  return {state_.started,     state_.newest, state_.written, series_.size(), state_.open_events,
          state_.corrections, state_.late,   state_.dropped, size_bytes_,    discarded_};
}

Ledger::Time Ledger::wall_clock() {
  return std::chrono::floor<Time::duration>(std::chrono::system_clock::now());
}

}  // namespace exporter
