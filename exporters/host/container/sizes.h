#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/http/client.h"

namespace exporter::host::container {

/// Asks an engine how much containers have written, which makes it walk through their files: in a
/// thread of its own, one container at a time, with a pause between the rounds. What cannot be
/// answered ends a round; the next begins after it.
class Sizes {
 public:
  /// Gives the ids of the containers to ask for, in order.
  using Ids = std::function<std::vector<std::string>()>;

  /// The client must outlive it.
  Sizes(http::Client& client, std::chrono::milliseconds pause, Ids ids)
      : client_(client), pause_(pause), ids_(std::move(ids)) {}

  void start();
  /// Bytes in the writable layer, of a container that was answered for in the last round.
  std::optional<double> of(std::string_view id) const;

 private:
  void run(const std::stop_token& stop);
  void ask_all(const std::stop_token& stop);
  std::optional<double> ask(const std::string& id, const std::stop_token& stop);

  http::Client& client_;
  const std::chrono::milliseconds pause_;
  const Ids ids_;
  mutable std::mutex mutex_;
  std::map<std::string, double, std::less<>> bytes_{};
  std::string last_asked_{}, last_problem_{};
  std::jthread thread_{};
};

}  // namespace exporter::host::container
