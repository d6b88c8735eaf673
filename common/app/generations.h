#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/app/app.h"
#include "common/app/command.h"
#include "common/app/self_metrics.h"
#include "common/collect/exposition.h"

namespace exporter {

/// Builds generations of collectors from the command line and the configuration file as it is now,
/// and holds the current one. Of one that was replaced, a collector that hangs keeps its thread; it
/// delays neither a reload nor a scrape, and with too many of them there is no reload any more.
class Generations {
 public:
  static constexpr std::size_t kMaxAbandoned = 16;

  /// Borrows both.
  Generations(const App& app, const Command& command);
  /// Waits for the collectors of all generations, however long: see end().
  ~Generations();
  Generations(const Generations&) = delete;
  Generations& operator=(const Generations&) = delete;

  /// Builds a generation and puts it in place of the current one, which stays whatever is thrown.
  /// Not for two threads at once.
  void load();
  /// load(), with one log line; answers what went wrong. Throws nothing.
  std::optional<std::string> reload();
  /// For a reload that does not end: it counts as failed until it does; nothing when it just has.
  void note_late_reload();

  /// Builds a generation, of which nothing runs, and says how its sources are checked. Throws as
  /// load().
  std::vector<SourceCheck> check();
  /// Of the sources of the configuration, without a generation of it. Throws as load().
  std::vector<SourceReport> reports() { return make().reports; }
  std::vector<SourcePast> pasts() { return make().pasts; }

  /// The current one; null before the first load().
  std::shared_ptr<Exposition> current() const;
  SelfMetrics& self() { return self_; }

  /// Lets go of the current one and waits for the collectors of all; whether they had ended by
  /// then.
  bool end(Clock::time_point until);

 private:
  class Living;

  MadeSources make();
  std::shared_ptr<Exposition> expose(std::vector<Collector> collectors);
  void require_few_abandoned();
  void set_loading();
  void note_loaded(bool successful);

  const App& app_;
  const Command& command_;
  SelfMetrics self_;
  std::shared_ptr<Ledgers> ledgers_;  // of all generations; null unless the exporter keeps some
  const std::shared_ptr<Living> living_;
  mutable std::mutex mutex_;
  std::shared_ptr<Exposition> current_;
  bool is_loading_ = false;
};

}  // namespace exporter
