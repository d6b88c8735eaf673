#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/scripted_server.h"

/// A container's id of 64 digits that begins with `digit`.
std::string id_of(char digit);

/// The parts of a container that a test sets; all else is as an engine says it of a running one.
struct FakeContainer {
  std::string name = "web", image = "registry.example/web:1", status = "running";
  std::string started = "2026-01-02T03:04:05.5Z", finished = "0001-01-01T00:00:00Z";
  std::string health{};  ///< empty: no check
  std::string labels = "{}", network_mode = "bridge";
  int restarts = 0, exit_code = 0;
  bool oom_killed = false;
  std::int64_t written = 0;  ///< what it says when it is asked for the size
};

/// An engine on a Unix socket that speaks Docker's API: /info, the list, single containers, and
/// events, of which it tells a new listener those of the kinds and since the time that it asks for.
class FakeEngine {
 public:
  explicit FakeEngine(const std::filesystem::path& socket, std::string server = "Docker/27.0.1");
  ~FakeEngine();

  void set(char digit, const FakeContainer& container);
  /// What the engine answers instead, of any kind.
  void set_raw(const std::string& target, std::string reply);
  void remove(char digit);
  /// Sends an event of the container to all listeners, with what it says of the container. One of
  /// some time ago comes to those who ask later.
  void event(char digit, std::string_view action, std::string_view attributes = "{}",
             std::chrono::nanoseconds ago = {});
  /// Sends the event that the container has left its network.
  void disconnect(char digit);
  /// Forgets all events, as an engine does that was restarted.
  void forget();
  /// Sends bytes that are no event.
  void garbage(std::string_view bytes);
  /// Ends the streams of all listeners, after the first has come.
  void cut();
  /// While it is on, events are kept for those who ask later.
  void hold(bool on);
  /// While it is on, nobody is told a size.
  void hold_sizes(bool on);

  std::vector<std::string> requests() const;
  /// How often this path was asked for, whatever its query.
  std::size_t asked(std::string_view path) const;

 private:
  struct Sent {
    std::int64_t time_ns;
    std::string text;
    std::string wanted_by;  ///< what a filter that lets it through holds
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
  std::vector<Sent> events_;
  std::size_t cuts_ = 0, streams_ = 0;
  bool stopping_ = false, held_ = false, sizes_held_ = false;
  std::int64_t last_ns_ = 0;
  std::unique_ptr<ScriptedServer> server_;
};
