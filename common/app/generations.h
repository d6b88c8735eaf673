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

/// Builds generations of collectors from the command line and the current configuration file, and
/// holds the current one. In a generation that was replaced, a hung collector keeps its thread. It
/// delays neither reloads nor scrapes, but reloads fail while too many are hung.
class Generations {
 public:
  static constexpr std::size_t kMaxAbandoned = 16;

  /// Keeps references to both.
  Generations(const App& app, const Command& command);
  /// Waits for the collectors of all generations without a timeout: see end().
  ~Generations();
  Generations(const Generations&) = delete;
  Generations& operator=(const Generations&) = delete;

  /// Builds a generation and makes it the current one. Keeps the old one if it throws. Not
  /// thread-safe.
  void load();
  /// load(), with a log line; returns the error, if any. Never throws.
  std::optional<std::string> reload();
  /// Reports a reload that hangs as failed until it finishes; does nothing if it just has.
  void note_late_reload();

  /// Builds a generation without running it, and returns the checks of its sources. Throws as
  /// load() does.
  std::vector<SourceCheck> check();
  /// The reports of the configured sources, without starting a generation. Throws as load() does.
  std::vector<SourceReport> reports() { return make().reports; }
  std::vector<SourcePast> pasts() { return make().pasts; }

  /// The current one; null before the first load().
  std::shared_ptr<Exposition> current() const;
  SelfMetrics& self() { return self_; }

  /// Releases the current one and waits for the collectors of all generations; returns whether all
  /// have ended.
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
