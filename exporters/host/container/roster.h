#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/metric/samples.h"
#include "exporters/host/container/cgroups.h"
#include "exporters/host/container/engine.h"

namespace exporter::host::container {

/// One container or control group to show, with its data from all sources.
struct Shown {
  std::string id;
  Group* group = nullptr;  ///< null: it is not running
  Engine* engine = nullptr;
  const Container* container = nullptr;  ///< null: no engine knows it
  bool current = false;                  ///< the engine's data is valid

  /// When it was started: according to the engine, or else its first process.
  std::optional<double> started() const;
};

/// Joins the control groups with the engines' containers by their ids.
class Roster {
 public:
  using Engines = std::vector<std::unique_ptr<Engine>>;

  explicit Roster(Engines engines) : engines_(std::move(engines)) {}

  /// Updates the engines; the first call waits for their first listings until `until`.
  struct State {
    std::string_view engine;
    bool shown, up;
  };
  std::vector<State> ask(Clock::time_point until);

  /// Containers first, then the other groups, then containers that are not running: everything that
  /// the engines had at the last ask(), and `groups`. Valid until the next ask().
  std::vector<Shown> shown(const std::vector<Group*>& groups);

  /// How many containers the engines left out because there are too many.
  std::size_t dropped() const;

 private:
  void add_engine(Shown& shown) const;
  void add_stopped(std::vector<Shown>& all);

  Engines engines_;
  std::vector<Engine::View> views_;                        ///< of each engine
  std::map<std::string, std::string, std::less<>> paths_;  ///< of containers that were seen running
};

}  // namespace exporter::host::container
