#include "common/ledger/ledger.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/time.h"
#include "common/ledger/file.h"
#include "common/ledger/ledger_parts.h"
#include "common/ledger/migrate.h"

namespace exporter {
namespace {

std::string rfc3339(Ledger::Time time) {
  return format_rfc3339(std::chrono::floor<std::chrono::milliseconds>(time));
}

bool valid_file_name(std::string_view name) {
  const auto ordinary = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == '~' || c == '%';
  };
  return !name.empty() && name.size() <= 200 && name[0] != '.' &&
         std::all_of(name.begin(), name.end(), ordinary);
}

/// SQLite's error would be another one, because it opens files read-only if it cannot write.
bool has_access(std::string_view what, const std::filesystem::path& path, int mode) {
  if (::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0) return true;
  if (errno == ENOENT) return false;
  throw io_error(std::string(what) + path.string(), errno);
}

constexpr std::string_view kDirectory = "state directory ";

void make_directory(const std::filesystem::path& path) {
  if (::mkdir(path.c_str(), 0755) == 0) return ledger::sync_directory(path / "..");
  if (errno != EEXIST) throw io_error(std::string(kDirectory) + path.string(), errno);
}

std::string path_of(const std::string& name, const std::filesystem::path& state_dir) {
  if (!valid_file_name(name)) {
    throw Error(Reason::config, "\"" + name + "\" cannot be the name of a ledger");
  }
  if (state_dir.empty()) return {};
  make_directory(state_dir);
  const auto file = state_dir / (name + ".ledger");
  has_access(kDirectory, state_dir / "", W_OK | X_OK);
  has_access("", file, R_OK | W_OK);
  return file;
}

void rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT) throw io_error(from, errno);
}

}  // namespace

void Ledger::check(const Options& options) {
  const std::chrono::microseconds zero{0};
  if (options.allowed_lateness < zero || options.past < zero || options.retention < zero) {
    throw Error(Reason::config, "a ledger's times cannot be negative");
  }
}

Ledger::Ledger(std::string name, const std::filesystem::path& state_dir,
               std::vector<Migration> migrations, Time now) {
  auto path = path_of(name, state_dir);
  parts_.reset(new Parts{std::move(name), std::move(path), std::move(migrations)});
  parts_->or_start_again(now, [&] { parts_->open(now); });
}

Ledger::~Ledger() = default;

const std::string& Ledger::name() const { return parts_->name; }

ledger::Store& Ledger::Parts::ready_store(Time now) {
  if (is_unusable) close();
  if (!store) or_start_again(now, [&] { load(now); });
  return *store;
}

/// Opens the file, and reads its state unless an older version wrote it.
void Ledger::Parts::open(Time now) {
  database.emplace(ledger::open_file(path, ledger::State::starting(now)));
  if (!ledger::is_current(*database)) return;
  const auto found = ledger::Store::read_state(*database);
  const auto size = ledger::size_bytes(*database);
  const std::lock_guard lock(mutex);
  state = found;
  has_state = true;
  size_bytes = size;
}

/// Reads everything whose size depends on the events.
void Ledger::Parts::load(Time now) {
  if (!database) open(now);
  ledger::check_structure(*database);
  ledger::upgrade(*database);
  auto loaded = std::make_unique<ledger::Store>(*database);
  ledger::State new_state;
  ledger::Book new_book;
  loaded->load(new_state, new_book);
  ledger::apply(migrations, *loaded, new_state, new_book);
  const auto size = ledger::size_bytes(*database);
  const std::lock_guard lock(mutex);
  store = std::move(loaded);
  state = new_state;
  has_state = true;
  std::swap(book, new_book);
  size_bytes = size;
}

void Ledger::Parts::close() {
  store.reset();
  database.reset();
  is_unusable = false;
}

/// Does the work; if the file cannot be used, repeats it once with a new one.
template <class Work>
void Ledger::Parts::or_start_again(Time now, Work&& work) {
  try {
    try {
      work();
    } catch (const ledger::UnusableFile& error) {
      close();
      set_aside(error.what(), now);
      work();
    }
  } catch (...) {
    close();
    throw;
  }
}

void Ledger::Parts::set_aside(const std::string& why, Time now) {
  const auto aside = path + ".unusable-" + rfc3339(now);
  rename(path, aside);
  rename(path + "-wal", aside + "-wal");
  log::error("ledger cannot be used and was set aside: its counters start again",
             {{"error", why}, {"moved_to", aside}});
  const std::lock_guard lock(mutex);
  has_discarded = true;
}

void Ledger::add_to(Samples& samples, const MetricView& metric, std::span<const double> bounds,
                    const Keep& keep, const Exemplars& exemplars) const {
  std::vector<std::uint64_t> counts(bounds.size() + 1);
  const std::lock_guard lock(parts_->mutex);
  const auto family = parts_->book.families.find(ledger::family_key(metric, bounds));
  if (family == parts_->book.families.end()) return;
  for (const auto& [key, series] : family->second.series) {
    const auto labels = ledger::labels_of(key);
    if (keep && !keep(labels)) continue;
    if (metric.type != MetricType::histogram) {
      samples.add(metric, series.cells.front().shown.value(), labels);
      continue;
    }
    for (std::size_t i = 0; i < counts.size(); ++i) {
      constexpr double kMost = 0x1p63;  // values that the type cannot have are not added
      counts[i] = static_cast<std::uint64_t>(std::min(series.cells[i].shown.value(), kMost));
    }
    samples.add_histogram(metric, bounds, counts, series.cells.back().shown.value(), labels,
                          exemplars ? exemplars(labels) : std::span<const std::string>());
  }
}

std::optional<Ledger::Figures> Ledger::figures() const {
  const std::lock_guard lock(parts_->mutex);
  if (!parts_->has_state) return std::nullopt;
  const auto& state = parts_->state;
  return Figures{state.started,     state.timeline.newest, state.timeline.watermark,
                 state.written,     state.series,          state.open_events,
                 state.corrections, parts_->size_bytes,    state.late,
                 state.ahead,       state.dropped,         state.compacted_early};
}

bool Ledger::has_discarded_state() const {
  const std::lock_guard lock(parts_->mutex);
  return parts_->has_discarded;
}

Ledger::Time Ledger::wall_clock() {
  return std::chrono::floor<Time::duration>(std::chrono::system_clock::now());
}

}  // namespace exporter
