#include "exporters/host/container/loads.h"

#include <unistd.h>

#include <cmath>
#include <exception>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/text.h"

namespace exporter::host::container {
namespace {

constexpr auto kEvery = std::chrono::seconds(5);
constexpr double kWindow = 10;  // seconds
constexpr std::size_t kMostTasks = 10'000;

}  // namespace

void Loads::watch(std::vector<Watched> containers) {
  {
    const std::lock_guard lock(mutex_);
    watched_ = std::move(containers);
  }
  if (!thread_.joinable()) {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
}

std::optional<double> Loads::of(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const auto found = loads_.find(id);
  return found == loads_.end() ? std::nullopt : std::optional(1000 * found->second);
}

void Loads::run(const std::stop_token& stop) {
  auto last = Clock::now();
  while (!stop.stop_requested()) {
    std::vector<Watched> containers;
    {
      const std::lock_guard lock(mutex_);
      containers = watched_;
    }
    const auto now = Clock::now();
    try {
      sample(containers, now - last, stop);
      last = now;
    } catch (const std::exception& error) {
      log::warn("load of containers unknown", {{"error", error.what()}});
    }
    exporter::pause(kEvery, stop);
  }
}

void Loads::sample(const std::vector<Watched>& containers, std::chrono::duration<double> elapsed,
                   const std::stop_token& stop) {
  const double decay = std::exp(-elapsed.count() / kWindow);
  std::map<std::string, double, std::less<>> loads;
  auto budget = kMostTasks;
  for (const auto& container : containers) {
    const auto running = count(container, budget, stop);
    if (!running) continue;
    const auto last = loads_.find(container.id);
    loads[container.id] =
        last == loads_.end() ? *running : last->second * decay + *running * (1 - decay);
  }
  const std::lock_guard lock(mutex_);
  loads_ = std::move(loads);
}

std::optional<double> Loads::count(const Watched& container, std::size_t& budget,
                                   const std::stop_token& stop) {
  double running = 0;
  try {
    for (const auto& path : container.lists) {
      const std::string list(lists_.read_once(path).value_or(""));
      for (std::string_view rest = list; !rest.empty();) {
        if (budget == 0 || stop.stop_requested()) return std::nullopt;
        --budget;
        if (runs(next_part(rest, '\n'))) ++running;
      }
    }
  } catch (const Error&) {
    return std::nullopt;
  }
  return running;
}

/// Field 3 of its stat file is R (proc(5)). This thread itself runs only to count.
bool Loads::runs(std::string_view task) {
  if (task == std::to_string(::gettid())) return false;
  // In `task` the file describes one task; the one above sums up those of the process.
  const auto text = proc_.read_once(std::string(task).append("/task/").append(task) + "/stat");
  return text && text->substr(std::min(text->rfind(')'), text->size())).starts_with(") R");
}

}  // namespace exporter::host::container
