#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/scripted_server.h"

/// A 64-digit container id that starts with `digit`.
std::string id_of(char digit);

/// The parts of a container that tests set; the rest is as for a running one.
struct FakeContainer {
  std::string name = "web", image = "registry.example/web:1", status = "running";
  std::string started = "2026-01-02T03:04:05.5Z", finished = "0001-01-01T00:00:00Z";
  std::string health{};  ///< empty: no check
  std::string labels = "{}", network_mode = "bridge";
  int restarts = 0, exit_code = 0;
  bool oom_killed = false;
  std::int64_t written = 0;  ///< the reply to a request for the size
};

/// An engine on a Unix socket with Docker's API: /info, the list, single containers, and events, of
/// which a new listener gets those of the requested kinds and since the requested time.
class FakeEngine {
 public:
  explicit FakeEngine(const std::filesystem::path& socket, std::string server = "Docker/27.0.1");
  ~FakeEngine();

  void set(char digit, const FakeContainer& container);
  /// Replaces any of the engine's replies.
  void set_raw(const std::string& target, std::string reply);
  void remove(char digit);
  /// Answers requests for the container with a 500 from now on.
  void refuse(char digit);
  /// Sends an event of the container to all listeners, with its attributes. Later listeners can
  /// still get an event from the past.
  void event(char digit, std::string_view action, std::string_view attributes = "{}",
             std::chrono::nanoseconds ago = {});
  /// Sends the event of the container leaving its network.
  void disconnect(char digit);
  /// Discards all events, as a restarted engine does.
  void forget();
  /// Sends bytes that are not an event.
  void garbage(std::string_view bytes);
  /// Closes the streams of all listeners, after the first has connected.
  void cut();
  /// While this is on, events are kept for later listeners.
  void hold(bool on);
  /// While this is on, sizes are not reported.
  void hold_sizes(bool on);

  std::vector<std::string> requests() const;
  /// How often this path was requested, with any query.
  std::size_t asked(std::string_view path) const;

 private:
  struct Sent {
    std::int64_t time_ns;
    std::string text;
    std::string wanted_by;  ///< the text in a filter that selects it
  };
  void tick();
  void serve(Peer& peer);
  void serve_events(Peer& peer, const std::string& request);
  std::string answer(const std::string& path);
  std::string answer_size(const std::string& path);

  std::string server_header_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::string> inspected_, sized_, listed_, raw_;
  std::set<std::string> refused_;  ///< paths
  std::vector<Sent> events_;
  std::size_t cuts_ = 0, streams_ = 0;
  bool stopping_ = false, held_ = false, sizes_held_ = false;
  std::int64_t last_ns_ = 0;
  std::unique_ptr<ScriptedServer> server_;
};
