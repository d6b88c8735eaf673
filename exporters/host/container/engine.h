#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/base/deadline.h"
#include "common/http/client.h"
#include "exporters/host/container/inspect.h"
#include "exporters/host/container/ooms.h"
#include "exporters/host/container/sizes.h"

namespace exporter::host::container {

struct EngineOptions {
  /// Whether it is a failure if the socket is missing or may not be opened.
  enum class Wanted { if_usable, always };

  std::string name;    ///< the socket's path as configured
  std::string socket;  ///< the path in this process
  Wanted wanted = Wanted::always;
  std::vector<std::string> labels;  ///< the labels in Container::labels
  std::size_t max_containers = 1000;
  std::chrono::milliseconds first_pause{500}, longest_pause{30'000};  ///< after a failure
  std::chrono::seconds relist_every{300};
  std::chrono::milliseconds size_interval{0};  ///< between rounds of size requests; 0: never
};

/// A container engine with Docker's API on a Unix socket. A thread lists the containers, inspects
/// each once, and then follows the engine's events; it inspects only containers named in events
/// again. Sends only GETs, and none for statistics.
class Engine {
 public:
  using Containers = std::map<std::string, std::shared_ptr<const Container>, std::less<>>;

  /// A snapshot of the state; immutable.
  struct View {
    std::shared_ptr<const Containers> containers;  ///< by id
    bool up = false;                               ///< the last exchange with the engine succeeded
    bool current = false;  ///< it did within the last minutes, so that states are valid
    bool systemd = false;  ///< systemd manages the engine's cgroups
    bool podman = false;
    std::size_t dropped = 0;  ///< containers beyond the limit
  };

  /// Does not connect yet. The metrics must outlive it.
  Engine(EngineOptions options, http::UpstreamMetrics& metrics);

  const std::string& name() const { return options_.name; }
  EngineOptions::Wanted wanted() const { return options_.wanted; }

  /// Starts the thread if the socket can be opened, and waits until the first listing has ended, at
  /// most until `until`; does nothing if it was started before. False as long as the socket could
  /// never be opened, which is logged if it is wanted.
  bool follow(Clock::time_point until);
  View view() const;
  /// How often a process of this container was OOM-killed, given the counter of its cgroup, if it
  /// has one.
  double ooms(const std::string& id, std::optional<double> in_cgroup);
  /// Whether the end of the container's last run was requested from the engine, by a stop or by a
  /// kill with SIGKILL. Nothing if the run ended before the first event that the engine still has;
  /// engines keep some of the last day.
  std::optional<bool> stop_requested(std::string_view id) const;
  /// Bytes written by a running container, if sizes are requested.
  std::optional<double> size(std::string_view id) const { return sizes_.of(id); }

 private:
  enum class Inspect { all, changed };

  /// What was learned about a container from events.
  struct Heard {
    Ooms ooms{};
    std::optional<bool> stop_requested{};
  };

  void run(const std::stop_token& stop);
  void identify(const std::stop_token& stop);
  void recall(const std::stop_token& stop);
  void list(Inspect which, const std::stop_token& stop);
  void follow_events(const std::stop_token& stop);
  void take_piece(std::string_view piece, const std::stop_token& stop);
  void settle(Heard& heard, const Container& container) const;
  std::vector<Event> events_in(std::string_view piece);
  void take_event(const Event& event, std::set<std::string>& touched);
  void take_request(const Event& event);
  std::shared_ptr<const Container> inspect(const std::string& id, const std::stop_token& stop);
  std::vector<std::string> running() const;
  bool can_open();
  void publish(std::shared_ptr<const Containers> containers, std::size_t dropped);
  void log_new(const std::string& problem);
  void say(const std::string& problem);

  const EngineOptions options_;
  http::Client client_;
  mutable std::mutex mutex_;
  std::condition_variable first_listing_;
  bool asked_ = false;  ///< the first listing has ended, successfully or not
  View view_;
  Clock::time_point good_at_;
  std::map<std::string, Heard, std::less<>> heard_;

  std::string pending_;             ///< of the stream, up to the next newline
  std::int64_t seen_until_ns_ = 0;  ///< events until then were processed
  std::int64_t known_from_ns_ = 0;  ///< no event since then was missed
  int failed_in_a_row_ = 0;         ///< requests for a container
  std::string last_problem_, last_forgotten_;
  Sizes sizes_;
  std::jthread thread_;
};

}  // namespace exporter::host::container
