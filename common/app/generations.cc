#include "common/app/generations.h"

#include <condition_variable>
#include <exception>
#include <thread>
#include <utility>

#include "common/app/collectors.h"
#include "common/app/process_metrics.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/config/yaml.h"

namespace exporter {
namespace {

/// How long the threads of a destroyed generation may take to end: before they count as abandoned,
/// and before a reload is refused because of them.
constexpr auto kTimeToEnd = std::chrono::seconds(1), kTimeToMakeRoom = std::chrono::seconds(2);

}  // namespace

/// Counts the generations that still have running threads, by the tokens that they hold.
class Generations::Living : public std::enable_shared_from_this<Generations::Living> {
 public:
  std::shared_ptr<const void> token() {
    const std::lock_guard lock(mutex_);
    ++count_;
    return {nullptr, [living = shared_from_this()](const void*) { living->give_back(); }};
  }

  /// Waits until at most `most` are left; false at the timeout.
  bool wait_for_few(std::size_t most, Clock::time_point until) {
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, until, [&] { return count_ <= most; });
  }

  /// Destroys a generation in a thread of its own, because that waits for its collectors.
  void end_apart(std::unique_ptr<Exposition> generation, std::weak_ptr<const void> token) {
    auto end = [living = shared_from_this(), generation = std::move(generation),
                token = std::move(token)]() mutable {
      generation.reset();
      living->note_abandoned(token);
    };
    try {
      std::thread(std::move(end)).detach();
    } catch (const std::exception&) {
      return;  // no thread could be started, and the generation was destroyed here
    }
  }

 private:
  void note_abandoned(const std::weak_ptr<const void>& token) {
    std::unique_lock lock(mutex_);
    const auto until = Clock::now() + kTimeToEnd;
    if (changed_.wait_until(lock, until, [&] { return token.expired(); })) return;
    log::warn("a collector does not stop, its thread is abandoned");
  }

  void give_back() {
    const std::lock_guard lock(mutex_);
    --count_;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t count_ = 0;
};

Generations::Generations(const App& app, const Command& command)
    : app_(app), command_(command), self_(app), living_(std::make_shared<Living>()) {
  if (!app.ledgers) return;
  // Checking a configuration leaves no files behind and does not wait for a running exporter.
  const bool checks_only = command.mode == Command::Mode::check_config ||
                           command.mode == Command::Mode::check_sources ||
                           command.mode == Command::Mode::report;
  ledgers_ = app.ledgers->open(checks_only ? "" : command.state_dir);
}

Generations::~Generations() {
  while (!end(Clock::now() + std::chrono::hours(1))) {
  }
}

void Generations::load() {
  set_loading();
  try {
    require_few_abandoned();
    auto next = expose(make().collectors);
    if (const auto old = current()) next->inherit(*old);
    const std::lock_guard lock(mutex_);
    note_loaded(true);
    std::swap(current_, next);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    note_loaded(false);
    throw;
  }
}

void Generations::set_loading() {
  const std::lock_guard lock(mutex_);
  is_loading_ = true;
}

/// The caller holds the mutex.
void Generations::note_loaded(bool successful) {
  is_loading_ = false;
  self_.config_loaded(successful);
}

std::optional<std::string> Generations::reload() {
  try {
    load();
    log::info("configuration reloaded");
    return std::nullopt;
  } catch (...) {
    const auto error = current_error();
    log::error("configuration not reloaded, the old one stays", {{"error", error}});
    return error;
  }
}

std::vector<SourceCheck> Generations::check() {
  auto made = make();
  // Background collectors would poll their sources until this generation ends.
  for (auto& collector : made.collectors) collector.schedule = OnScrape{};
  expose(std::move(made.collectors));
  return std::move(made.checks);
}

void Generations::note_late_reload() {
  {
    const std::lock_guard lock(mutex_);
    if (!is_loading_) return;
    self_.config_loaded(false);
  }
  log::error("configuration not reloaded yet, the old one stays until it is");
}

std::shared_ptr<Exposition> Generations::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

bool Generations::end(Clock::time_point until) {
  {
    const std::lock_guard lock(mutex_);
    current_ = nullptr;
  }
  return living_->wait_for_few(0, until);
}

void Generations::require_few_abandoned() {
  const std::size_t most = kMaxAbandoned + (current() ? 1 : 0);
  if (living_->wait_for_few(most, Clock::now() + kTimeToMakeRoom)) return;
  throw Error(Reason::internal, "more than " + std::to_string(kMaxAbandoned) +
                                    " replaced configurations have a collector that hangs: " +
                                    "restart the exporter");
}

MadeSources Generations::make() {
  std::optional<Yaml> file;
  if (!command_.config_file.empty()) file = Yaml::load_file(command_.config_file);
  AppFlags flags(app_);
  flags.add_switches(app_, !command_.disable_default_collectors);
  const auto settings =
      std::make_shared<const Settings>(flags.flags, command_.given, file ? &*file : nullptr);
  const bool starting = command_.mode == Command::Mode::serve && !current();
  auto made = make_sources(app_.sources, app_.modules,
                           {settings, file ? &*file : nullptr, self_.upstreams(), ledgers_,
                            starting, command_.report == nullptr || command_.report->asks_source});
  if (ledgers_ && settings->enabled(enabled_flag("ledger"))) {
    made.collectors.push_back(app_.ledgers->make_collector(ledgers_));
  }
  if (file) file->finish();
  return made;
}

std::shared_ptr<Exposition> Generations::expose(std::vector<Collector> collectors) {
  Exposition::Options options;
  options.outcomes = outcomes_of(app_);
  // The Runner keeps this function, and so the token, as long as a thread of its may call it.
  const auto token = living_->token();
  options.count_failure = [this, token](const Collector& collector, Reason reason) {
    self_.count_failure(collector, reason);
  };
  options.self.push_back({[this](Samples& samples) { self_.add(samples); }});
  if (!command_.disable_exporter_metrics) options.self.push_back({&add_process_metrics, 0});
  options.self_metrics = self_.metrics();
  options.foreign = app_.foreign_collectors;
  auto made = std::make_unique<Exposition>(std::move(collectors), std::move(options));
  const std::weak_ptr<const void> alive = token;
  return {made.release(), [living = living_, alive](Exposition* generation) {
            living->end_apart(std::unique_ptr<Exposition>(generation), alive);
          }};
}

}  // namespace exporter
