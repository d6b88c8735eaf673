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

/// Asks an engine how much containers have written. The engine has to walk through their files, so
/// a thread of its own asks for one container at a time, with a pause between rounds. An error ends
/// a round; the next starts after the pause.
class Sizes {
 public:
  /// Returns the ids of the containers to ask for, in order.
  using Ids = std::function<std::vector<std::string>()>;

  /// The client must outlive it.
  Sizes(http::Client& client, std::chrono::milliseconds pause, Ids ids)
      : client_(client), pause_(pause), ids_(std::move(ids)) {}

  void start();
  /// Bytes in the writable layer of a container; nothing if the last round did not get it.
  std::optional<double> of(std::string_view id) const;

 private:
  void run(const std::stop_token& stop);
  void ask_all(const std::stop_token& stop);
  std::optional<double> ask(const std::string& id, const std::stop_token& stop);
  void keep(const std::string& id, std::optional<double> bytes);

  http::Client& client_;
  const std::chrono::milliseconds pause_;
  const Ids ids_;
  mutable std::mutex mutex_;
  std::map<std::string, double, std::less<>> bytes_{};
  std::string last_asked_{}, last_problem_{};
  std::jthread thread_{};
};

}  // namespace exporter::host::container
