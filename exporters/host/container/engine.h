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
  std::string name;                 ///< the socket's path on the host
  std::string socket;               ///< where this process reaches it
  std::vector<std::string> labels;  ///< whose values Container::labels holds
  std::size_t max_containers = 1000;
  std::chrono::milliseconds first_pause{500}, longest_pause{30'000};  ///< after a failure
  std::chrono::seconds relist_every{300};
  std::chrono::milliseconds size_interval{0};  ///< between rounds of asking for sizes; 0: never
};

/// A container engine with Docker's API on a Unix socket. A thread of its own lists the containers,
/// inspects each once, and then follows the engine's events; it asks again only for the containers
/// that an event names. Sends GETs alone, and never for statistics.
class Engine {
 public:
  using Containers = std::map<std::string, std::shared_ptr<const Container>, std::less<>>;

  /// What is known. Nothing in it changes any more.
  struct View {
    std::shared_ptr<const Containers> containers;  ///< by id
    bool up = false;                               ///< the last exchange with the engine went well
    bool current = false;  ///< it did within the last minutes, so that states can be believed
    bool systemd = false;  ///< the engine lets systemd manage its cgroups
    bool podman = false;
    std::size_t dropped = 0;  ///< containers beyond the limit
  };

  /// Connects to nothing yet. The metrics must outlive it.
  Engine(EngineOptions options, http::UpstreamMetrics& metrics);

  const std::string& name() const { return options_.name; }

  /// Starts the thread when the socket is there, and then waits until the first listing has
  /// succeeded or failed, at most until `until`; does nothing once it is started. False while the
  /// socket was never there.
  bool follow(Clock::time_point until);
  View view() const;
  /// How often the kernel killed a process of this container for want of memory, given what its
  /// cgroup counts, if it has one.
  double ooms(const std::string& id, std::optional<double> in_cgroup);
  /// Whether somebody asked the engine to end the container's last run, by a stop or by a kill with
  /// SIGKILL; known as far as the engine's events tell, of which it keeps some of the last day.
  bool stop_requested(std::string_view id) const;
  /// Bytes that a running container has written, if somebody wants to know.
  std::optional<double> size(std::string_view id) const { return sizes_.of(id); }

 private:
  enum class Inspect { all, changed };

  /// What the events told of a container.
  struct Heard {
    Ooms ooms{};
    bool stop_requested = false;
  };

  void run(const std::stop_token& stop);
  void identify(const std::stop_token& stop);
  void recall(const std::stop_token& stop);
  void list(Inspect which, const std::stop_token& stop);
  void follow_events(const std::stop_token& stop);
  void take_piece(std::string_view piece, const std::stop_token& stop);
  std::vector<Event> events_in(std::string_view piece);
  void take_event(const Event& event, std::set<std::string>& touched);
  void take_request(const Event& event);
  std::shared_ptr<const Container> inspect(const std::string& id, const std::stop_token& stop);
  std::vector<std::string> running() const;
  void publish(std::shared_ptr<const Containers> containers, std::size_t dropped);
  void say(const std::string& problem);

  const EngineOptions options_;
  http::Client client_;
  mutable std::mutex mutex_;
  std::condition_variable first_listing_;
  bool asked_ = false;  ///< the first listing is over, well or not
  View view_;
  Clock::time_point good_at_;
  std::map<std::string, Heard, std::less<>> heard_;

  std::string pending_;             ///< of the stream, up to the next newline
  std::int64_t seen_until_ns_ = 0;  ///< events up to then are done
  bool recalled_ = false;
  std::string last_problem_;
  Sizes sizes_;
  std::jthread thread_;
};

}  // namespace exporter::host::container
