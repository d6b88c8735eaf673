#include "exporters/host/container/sizes.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/http/refusal.h"

namespace exporter::host::container {
namespace {

constexpr auto kPatience = std::chrono::minutes(1);  // for reading one container's files

}  // namespace

void Sizes::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

std::optional<double> Sizes::of(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const auto found = bytes_.find(id);
  return found == bytes_.end() ? std::nullopt : std::optional(found->second);
}

void Sizes::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::string problem;
    try {
      ask_all(stop);
    } catch (const std::exception& error) {
      problem = error.what();
    }
    if (stop.stop_requested()) return;
    if (!problem.empty() && problem != last_problem_) {
      log::warn("size of a container unknown", {{"error", problem}});
    }
    last_problem_ = std::move(problem);
    exporter::pause(pause_, stop);
  }
}

void Sizes::ask_all(const std::stop_token& stop) {
  auto ids = ids_();
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(bytes_, [&](const auto& entry) {
      return std::ranges::find(ids, entry.first) == ids.end();
    });
  }
  std::rotate(ids.begin(), std::upper_bound(ids.begin(), ids.end(), last_asked_), ids.end());
  for (const auto& id : ids) {
    last_asked_ = id;
    try {
      keep(id, ask(id, stop));
    } catch (const Error&) {
      keep(id, std::nullopt);
      throw;
    }
  }
}

void Sizes::keep(const std::string& id, std::optional<double> bytes) {
  const std::lock_guard lock(mutex_);
  if (bytes) {
    bytes_.insert_or_assign(id, *bytes);
  } else {
    bytes_.erase(id);
  }
}

/// Nothing if the container is gone, or its engine does not provide it.
std::optional<double> Sizes::ask(const std::string& id, const std::stop_token& stop) {
  http::ClientRequest request;
  request.target = "/containers/" + id + "/json?size=1";
  const auto reply = client_.send(std::move(request), Deadline::in(kPatience, stop));
  if (reply.status == 404) return std::nullopt;
  const auto what = "GET /containers/" + id + "/json?size=1";
  if (reply.status != 200) throw http::refusal(what, reply);
  const auto size = Json::parse(reply.body, what).find("SizeRw");
  if (!size || size->integer() < 0) return std::nullopt;
  return static_cast<double>(size->integer());
}

}  // namespace exporter::host::container
