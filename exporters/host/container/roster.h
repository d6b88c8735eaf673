#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/metric/samples.h"
#include "exporters/host/container/cgroups.h"
#include "exporters/host/container/engine.h"

namespace exporter::host::container {

/// One container or control group to show, from all that knows of it.
struct Shown {
  std::string id;
  Group* group = nullptr;  ///< null: it does not run
  Engine* engine = nullptr;
  const Container* container = nullptr;  ///< null: no engine knows it
  bool current = false;                  ///< what the engine says can be believed

  /// When it was started: the engine's word before that of its first process.
  std::optional<double> started() const;
};

/// Joins the control groups with what engines say, by the ids of the containers.
class Roster {
 public:
  using Engines = std::vector<std::unique_ptr<Engine>>;

  explicit Roster(Engines engines) : engines_(std::move(engines)) {}

  /// The engines; the first call waits for their first listings until `until`.
  struct State {
    std::string_view engine;
    bool shown, up;
  };
  std::vector<State> ask(Clock::time_point until);

  /// Containers first, then the other groups, then containers that do not run: all that the engines
  /// knew at the last ask(), and `groups`. Valid until the next ask().
  std::vector<Shown> shown(const std::vector<Group*>& groups);

  /// How many containers the engines left out because there are too many.
  std::size_t dropped() const;

 private:
  void add_engine(Shown& shown) const;
  void add_stopped(std::vector<Shown>& all);

  Engines engines_;
  std::vector<Engine::View> views_;                        ///< of each engine
  std::map<std::string, std::string, std::less<>> paths_;  ///< of the containers seen running
};

}  // namespace exporter::host::container
