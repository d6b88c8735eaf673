#include "exporters/host/container/engine.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <system_error>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/http/refusal.h"

namespace exporter::host::container {
namespace {

using std::chrono::nanoseconds;

constexpr auto kPatience = std::chrono::seconds(5);  // of one short request
constexpr auto kBelieved = std::chrono::minutes(5);  // validity of an unavailable engine's state
constexpr std::int64_t kLeeway = 1'000'000'000;      // between the engine's clock and ours
constexpr std::int64_t kDay = 86'400'000'000'000;
constexpr std::size_t kMaxReply = 32u << 20, kMaxEvent = 1u << 20;
/// If so many requests for a container fail in a row, it is the engine that fails.
constexpr int kMostFailed = 5;

/// The events that change what is shown, by Docker's names and, if they differ, Podman's; exec_*
/// would flood the stream. For a container that could not be started Docker only reports that it
/// left its network. Percent-encoded: {"type":["container","network"],"event":["create",...]}.
constexpr std::string_view kFilters =
    "%7B%22type%22%3A%5B%22container%22%2C%22network%22%5D%2C%22event%22%3A%5B%22create%22%2C"
    "%22start%22%2C%22disconnect%22%2C"
    "%22restart%22%2C%22die%22%2C%22died%22%2C%22oom%22%2C%22health_status%22%2C%22pause%22%2C"
    "%22unpause%22%2C%22rename%22%2C%22update%22%2C%22destroy%22%2C%22remove%22%2C%22kill%22%2C"
    "%22stop%22%5D%7D";
/// {"type":["container"],"event":["start","kill","stop"]}
constexpr std::string_view kRequests =
    "%7B%22type%22%3A%5B%22container%22%5D%2C%22event%22%3A%5B%22start%22%2C%22kill%22%2C"
    "%22stop%22%5D%7D";

constexpr std::string_view kHint =
    "; add the exporter to the group of the socket (SupplementaryGroups=docker), or disable it "
    "(--collector.container.socket=)";

std::int64_t now_ns() {
  return nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// A time in the engine's format: "1700000000.000000042".
std::string timestamp(std::int64_t time_ns) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const auto fraction = std::to_string(time_ns % kSecond);
  return std::to_string(time_ns / kSecond) + '.' + std::string(9 - fraction.size(), '0') + fraction;
}

http::ClientRequest get(std::string target) {
  http::ClientRequest request;
  request.target = std::move(target);
  return request;
}

http::ClientOptions client_options(const EngineOptions& options) {
  http::ClientOptions result;
  result.name = options.name;
  result.base_url = "http://localhost";
  result.unix_socket = options.socket;
  result.retry.attempts = 2;  // a kept connection may have been closed
  result.retry.base = std::chrono::milliseconds(50);
  result.max_body = kMaxReply;
  return result;
}

bool is_alive(const Listed& listed) { return listed.state != "exited" && listed.state != "dead"; }

}  // namespace

Engine::Engine(EngineOptions options, http::UpstreamMetrics& metrics)
    : options_(std::move(options)),
      client_(client_options(options_), {}, metrics),
      sizes_(client_, options_.size_interval, [this] { return running(); }) {
  view_.containers = std::make_shared<const Containers>();
}

bool Engine::follow(Clock::time_point until) {
  if (thread_.joinable()) return true;
  if (!can_open()) return false;
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  std::unique_lock lock(mutex_);
  first_listing_.wait_until(lock, until, [&] { return asked_; });
  if (options_.size_interval > options_.size_interval.zero()) sizes_.start();
  return true;
}

/// Connecting to a socket requires permission to write to it.
bool Engine::can_open() {
  if (::faccessat(AT_FDCWD, options_.socket.c_str(), W_OK, AT_EACCESS) == 0) return true;
  const int error = errno;
  auto problem = options_.socket + ": " + std::generic_category().message(error);
  if (error == EACCES) problem += kHint;
  if (error == EACCES || options_.wanted == EngineOptions::Wanted::always) log_new(problem);
  return false;
}

Engine::View Engine::view() const {
  const std::lock_guard lock(mutex_);
  auto view = view_;
  view.current = view.up || Clock::now() - good_at_ < kBelieved;
  return view;
}

std::vector<std::string> Engine::running() const {
  std::vector<std::string> ids;
  const auto containers = view().containers;
  for (const auto& [id, container] : *containers) {
    if (container->runs()) ids.push_back(id);
  }
  return ids;
}

double Engine::ooms(const std::string& id, std::optional<double> in_cgroup) {
  const std::lock_guard lock(mutex_);
  auto& ooms = heard_[id].ooms;
  if (in_cgroup) ooms.cgroup(*in_cgroup);
  return ooms.total();
}

std::optional<bool> Engine::stop_requested(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const auto heard = heard_.find(id);
  return heard != heard_.end() ? heard->second.stop_requested : std::nullopt;
}

void Engine::run(const std::stop_token& stop) {
  auto pause = options_.first_pause;
  seen_until_ns_ = now_ns();
  while (!stop.stop_requested()) {
    const auto begun = Clock::now();
    try {
      known_from_ns_ = now_ns();
      seen_until_ns_ = std::min(seen_until_ns_, known_from_ns_);  // the clock may have been ahead
      identify(stop);
      list(Inspect::all, stop);
      recall(stop);
      follow_events(stop);
    } catch (const std::exception& error) {
      if (stop.stop_requested()) return;
      say(error.what());
    }
    if (Clock::now() - begun > options_.longest_pause) {
      pause = options_.first_pause;
      last_problem_.clear();
    }
    exporter::pause(pause, stop);
    pause = std::min(2 * pause, options_.longest_pause);
  }
}

/// An engine behind a proxy may refuse this request; its containers are known anyway.
void Engine::identify(const std::stop_token& stop) {
  const auto reply = client_.send(get("/info"), Deadline::in(kPatience, stop));
  bool systemd = false;
  if (reply.status == 200) {
    const auto driver = Json::parse(reply.body, "GET /info").find("CgroupDriver");
    systemd = driver && driver->string() == "systemd";
  }
  const auto server = reply.headers.find("server");
  const std::lock_guard lock(mutex_);
  view_.systemd = systemd;
  view_.podman = server != reply.headers.end() && server->second.starts_with("Libpod");
}

/// Reads requests from before this process followed the events; everything else is known without
/// them. If the engine still has an event, it has all later ones.
void Engine::recall(const std::stop_token& stop) {
  pending_.clear();
  try {
    client_.stream(
        get("/events?since=" + timestamp(seen_until_ns_ - kDay) +
            "&until=" + timestamp(seen_until_ns_) + "&filters=" + std::string(kRequests)),
        [&](std::string_view piece) {
          for (const auto& event : events_in(piece)) {
            if (event.time_ns > 0) known_from_ns_ = std::min(known_from_ns_, event.time_ns);
            take_request(event);
          }
        },
        Deadline::in(kPatience, stop));
    const auto known = view();
    publish(known.containers, known.dropped);
  } catch (const Error& error) {
    if (stop.stop_requested()) throw;
    if (std::exchange(last_forgotten_, error.what()) == error.what()) return;
    log::warn("earlier events of containers unknown",
              {{"engine", options_.name}, {"error", error.what()}});
  }
}

void Engine::list(Inspect which, const std::stop_token& stop) {
  auto listed = parse_list(client_.get("/containers/json?all=1", Deadline::in(kPatience, stop)));
  std::stable_partition(listed.begin(), listed.end(), is_alive);
  const auto kept = std::min(listed.size(), options_.max_containers);
  failed_in_a_row_ = 0;
  const auto before = view().containers;
  auto containers = std::make_shared<Containers>();
  for (const auto& [id, state] : std::span(listed).first(kept)) {
    const auto known = before->find(id);
    // A container that cannot be started keeps the state "created"; only its exit code changes.
    const bool same = which == Inspect::changed && known != before->end() &&
                      known->second->state == state && state != "created";
    auto container = same ? known->second : inspect(id, stop);
    if (container) containers->emplace(id, std::move(container));
  }
  publish(std::move(containers), listed.size() - kept);
}

/// Runs until the engine ends the stream, which it is asked to do when the next listing is due.
void Engine::follow_events(const std::stop_token& stop) {
  for (;;) {
    const auto until = now_ns() + nanoseconds(options_.relist_every).count();
    pending_.clear();
    client_.stream(
        get("/events?since=" + timestamp(seen_until_ns_) + "&until=" + timestamp(until) +
            "&filters=" + std::string(kFilters)),
        [&](std::string_view piece) { take_piece(piece, stop); },
        Deadline::in(options_.relist_every + 6 * kPatience, stop));
    if (now_ns() < until - kLeeway)
      throw Error(Reason::connect, "the engine ended the stream of events");
    seen_until_ns_ = std::max(seen_until_ns_, until);
    list(Inspect::changed, stop);
  }
}

void Engine::take_piece(std::string_view piece, const std::stop_token& stop) {
  std::set<std::string> touched;
  for (const auto& event : events_in(piece)) take_event(event, touched);
  if (touched.empty()) return;
  const auto before = view();
  auto containers = std::make_shared<Containers>(*before.containers);
  auto dropped = before.dropped;
  for (const auto& id : touched) {
    containers->erase(id);
    auto container = inspect(id, stop);
    if (!container) continue;
    if (containers->size() < options_.max_containers) {
      containers->emplace(id, std::move(container));
    } else {
      ++dropped;
    }
  }
  publish(std::move(containers), dropped);
}

/// Those that end with this piece of the stream. One that cannot be read is left out: an engine
/// would tell of it in each new stream. What it changed is found by the next listing.
std::vector<Event> Engine::events_in(std::string_view piece) {
  pending_.append(piece);
  std::vector<Event> events;
  const auto end = pending_.rfind('\n') + 1;
  for (auto lines = std::string_view(pending_).substr(0, end); !lines.empty();) {
    const auto line = trim(next_part(lines, '\n'));
    if (line.empty()) continue;
    try {
      events.push_back(parse_event(Json::parse(line, "GET /events")));
    } catch (const Error& error) {
      log_new(error.what());
    }
  }
  pending_.erase(0, end);
  if (pending_.size() > kMaxEvent) pending_ = "an event that exceeds 1 MiB: ";
  return events;
}

void Engine::take_event(const Event& event, std::set<std::string>& touched) {
  if (event.time_ns <= seen_until_ns_ && event.time_ns != 0) return;
  seen_until_ns_ = std::max(seen_until_ns_, std::min(event.time_ns, now_ns()));
  take_request(event);
  if (event.id.empty() || event.action == "kill" || event.action == "stop") return;
  touched.insert(event.id);
  if (event.action != "oom") return;
  const std::lock_guard lock(mutex_);
  heard_[event.id].ooms.event();
}

/// Docker reports a stop after the end of the container.
void Engine::take_request(const Event& event) {
  const bool ends = event.action == "stop" || (event.action == "kill" && event.signal == "9");
  if (event.id.empty() || (!ends && event.action != "start")) return;
  const std::lock_guard lock(mutex_);
  heard_[event.id].stop_requested = ends;
}

/// Nothing if the container is gone, or if the engine cannot describe it: one whose layer is broken
/// is answered with a 500, one that is locked by an operation that hangs not at all.
std::shared_ptr<const Container> Engine::inspect(const std::string& id,
                                                 const std::stop_token& stop) {
  const auto target = "/containers/" + id + "/json";
  try {
    const auto reply = client_.send(get(target), Deadline::in(kPatience, stop));
    if (reply.status != 200 && reply.status != 404) throw http::refusal("GET " + target, reply);
    failed_in_a_row_ = 0;
    if (reply.status == 404) return nullptr;
    return std::make_shared<const Container>(
        parse_container(Json::parse(reply.body, "GET " + target), options_.labels));
  } catch (const Error& error) {
    const bool has_failed =
        error.reason() == Reason::http_status || error.reason() == Reason::timeout;
    if (has_failed && ++failed_in_a_row_ == kMostFailed) throw;
    if (!has_failed && error.reason() != Reason::decode) throw;
    log::warn("container left out", {{"engine", options_.name}, {"error", error.what()}});
    return nullptr;
  }
}

void Engine::publish(std::shared_ptr<const Containers> containers, std::size_t dropped) {
  const std::lock_guard lock(mutex_);
  std::erase_if(heard_, [&](const auto& entry) { return !containers->contains(entry.first); });
  for (const auto& [id, container] : *containers) settle(heard_[id], *container);
  view_.containers = std::move(containers);
  view_.dropped = dropped;
  view_.up = true;
  asked_ = true;
  first_listing_.notify_all();
}

/// An end without an earlier request was not requested, if no request can have been missed.
void Engine::settle(Heard& heard, const Container& container) const {
  heard.ooms.begin(container.started);
  if (!container.has_ended()) return;
  if (container.oom_killed) heard.ooms.flag();
  const auto known_from = static_cast<double>(known_from_ns_ + kLeeway) / 1e9;
  if (!heard.stop_requested && container.finished.value_or(0) > known_from) {
    heard.stop_requested = false;
  }
}

/// A problem is logged when it first occurs and when its text changes.
void Engine::log_new(const std::string& problem) {
  if (std::exchange(last_problem_, problem) == problem) return;
  log::warn("container engine", {{"engine", options_.name}, {"error", problem}});
}

void Engine::say(const std::string& problem) {
  log_new(problem);
  const std::lock_guard lock(mutex_);
  if (view_.up) good_at_ = Clock::now();
  view_.up = false;
  asked_ = true;
  first_listing_.notify_all();
}

}  // namespace exporter::host::container
