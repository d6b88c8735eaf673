#include "common/http/live_web_config.h"

#include <sys/stat.h>

#include <utility>

#include "common/base/error.h"
#include "common/base/log.h"

namespace exporter::http {

namespace {

constexpr std::chrono::seconds kBetweenLooks{1};

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

LiveWebConfig::LiveWebConfig(std::string path, std::function<void(bool)> reloaded)
    : path_(std::move(path)), reloaded_(std::move(reloaded)) {
  load();
  next_look_ = Clock::now() + kBetweenLooks;
  if (current_->config.wants_http2) {
    log::info("HTTP/2 is not served, HTTP/1.1 is", {{"file", path_}});
  }
}

std::shared_ptr<const LiveWebConfig::Generation> LiveWebConfig::current() {
  const std::lock_guard lock(mutex_);
  if (Clock::now() >= next_look_) {
    if (!fault_.empty() || stamps(current_->config.files) != stamps_) reload();
    next_look_ = Clock::now() + kBetweenLooks;
  }
  return current_;
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

void LiveWebConfig::load() {
  // Stamps are taken before the files are read: a change in between is then seen as one.
  auto files = current_ ? current_->config.files : std::vector{path_};
  while (true) {
    auto before = stamps(files);
    auto next = std::make_shared<Generation>();
    next->config = WebConfig::load(path_);
    if (std::exchange(files, next->config.files) != files) continue;
    if (current_ && next->config.tls.has_value() != current_->config.tls.has_value()) {
      throw Error(Reason::config, path_ + ": switching TLS on or off needs a restart");
    }
    if (next->config.tls) next->tls.emplace(*next->config.tls);
    current_ = std::move(next);
    stamps_ = std::move(before);
    return;
  }
}

void LiveWebConfig::reload() {
  try {
    load();
    fault_.clear();
    if (reloaded_) reloaded_(true);
    log::info("web configuration read again", {{"file", path_}});
  } catch (const std::exception& error) {
    if (reloaded_) reloaded_(false);
    if (error.what() == fault_) return;
    fault_ = error.what();
    log::error("web configuration not read again, the old one stays", {{"error", fault_}});
  }
}

}  // namespace exporter::http
