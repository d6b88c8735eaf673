#include "common/http/live_web_config.h"

#include <sys/stat.h>

#include <condition_variable>
#include <mutex>
#include <utility>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"

namespace exporter::http {

namespace {

constexpr std::chrono::seconds kBetweenLooks{1};
constexpr std::chrono::seconds kLongestLook{1};
constexpr std::chrono::seconds kHung{5};

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

struct LiveWebConfig::Shared {
  Shared(const std::string& file, std::function<void(bool)> callback)
      : path(file),
        reloaded(std::move(callback)),
        loaded(load(file, nullptr)),
        next_look(Clock::now() + kBetweenLooks) {}

  const std::string path;
  const std::function<void(bool)> reloaded;
  std::mutex mutex;
  std::condition_variable changed;
  bool is_looking = false, is_late = false, is_ended = false;
  Loaded loaded;
  Clock::time_point next_look;
  Clock::time_point look_began;
  std::string fault;  ///< of the last reload; empty when it went well

  /// Ends a check for changes: with a new configuration, no change, or an error.
  void conclude(std::optional<Loaded> next, const std::string& found_fault) {
    const bool was_late = std::exchange(is_late, false);
    if (next) {
      loaded = *std::move(next);
      fault.clear();
      if (reloaded) reloaded(true);
      log::info("web configuration reloaded", {{"file", path}});
    } else if (!found_fault.empty()) {
      if (reloaded) reloaded(false);
      if (std::exchange(fault, found_fault) == found_fault) return;
      log::error("web configuration not reloaded, the old one stays", {{"error", fault}});
    } else if (was_late && reloaded) {
      reloaded(true);
    }
  }

  void note_late() {
    if (!is_looking || is_late || Clock::now() < look_began + kHung) return;
    is_late = true;
    if (reloaded) reloaded(false);
  }
};

LiveWebConfig::LiveWebConfig(const std::string& path, std::function<void(bool)> reloaded)
    : shared_(std::make_shared<Shared>(path, std::move(reloaded))) {
  if (shared_->loaded.generation->config.wants_http2) {
    log::info("HTTP/2 is not supported, HTTP/1.1 is used", {{"file", path}});
  }
  watcher_ = std::thread(watch, shared_);
}

LiveWebConfig::~LiveWebConfig() {
  std::unique_lock lock(shared_->mutex);
  shared_->is_ended = true;
  shared_->changed.notify_all();
  const bool may_hang = shared_->is_looking;
  lock.unlock();
  may_hang ? watcher_.detach() : watcher_.join();
}

std::shared_ptr<const LiveWebConfig::Generation> LiveWebConfig::current() {
  std::unique_lock lock(shared_->mutex);
  if (!shared_->is_looking && Clock::now() >= shared_->next_look) {
    shared_->is_looking = true;
    shared_->look_began = Clock::now();
    shared_->changed.notify_all();
    if (!shared_->changed.wait_for(lock, kLongestLook, [&] { return !shared_->is_looking; })) {
      log::warn(
          "the file system of the web configuration does not respond, the old configuration stays",
          {{"file", shared_->path}});
    }
  }
  shared_->note_late();
  return shared_->loaded.generation;
}

void LiveWebConfig::watch(const std::shared_ptr<Shared>& shared) {
  std::unique_lock lock(shared->mutex);
  while (true) {
    shared->changed.wait(lock, [&] { return shared->is_looking || shared->is_ended; });
    if (shared->is_ended) return;
    const auto loaded = shared->loaded;
    const bool was_faulty = !shared->fault.empty();
    lock.unlock();
    std::optional<Loaded> next;
    std::string fault;
    try {
      const auto& files = loaded.generation->config.files;
      if (was_faulty || stamps(files) != loaded.stamps) {
        next = load(shared->path, loaded.generation.get());
      }
    } catch (const std::exception& error) {
      fault = error.what();
    }
    lock.lock();
    if (shared->is_ended) return;
    shared->conclude(std::move(next), fault);
    shared->is_looking = false;
    shared->next_look = Clock::now() + kBetweenLooks;
    shared->changed.notify_all();
  }
}

std::vector<LiveWebConfig::Stamp> LiveWebConfig::stamps(const std::vector<std::string>& files) {
  std::vector<Stamp> all;
  for (const auto& file : files) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) status = {};
    all.push_back({status.st_dev, status.st_ino, status.st_size, nanoseconds(status.st_mtim),
                   nanoseconds(status.st_ctim)});
  }
  return all;
}

LiveWebConfig::Loaded LiveWebConfig::load(const std::string& path, const Generation* current) {
  // The stamps are taken before the files are read, so that a change in between is detected.
  auto files = current != nullptr ? current->config.files : std::vector{path};
  while (true) {
    auto before = stamps(files);
    auto next = std::make_shared<Generation>();
    next->config = WebConfig::load(path);
    if (std::exchange(files, next->config.files) != files) continue;
    if (current != nullptr && next->config.tls.has_value() != current->config.tls.has_value()) {
      throw Error(Reason::config, path + ": turning TLS on or off needs a restart");
    }
    if (next->config.tls) next->tls.emplace(*next->config.tls);
    return {std::move(next), std::move(before)};
  }
}

}  // namespace exporter::http
