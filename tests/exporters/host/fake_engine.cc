#include "tests/exporters/host/fake_engine.h"

#include "common/base/text.h"

using namespace exporter;

namespace {

std::string target_of(const std::string& request) {
  std::string_view rest = request;
  next_word(rest);
  return std::string(next_word(rest));
}

std::string quoted(const std::string& text) { return '"' + text + '"'; }

std::string inspect_of(const std::string& id, const FakeContainer& c) {
  const std::string health =
      c.health.empty() ? "" : ",\"Health\":{\"Status\":" + quoted(c.health) + ",\"Log\":[]}";
  return "{\"Id\":" + quoted(id) +
         ",\"Created\":\"2026-01-02T03:04:00Z\",\"Name\":" + quoted("/" + c.name) +
         ",\"RestartCount\":" + std::to_string(c.restarts) +
         ",\"State\":{\"Status\":" + quoted(c.status) +
         ",\"OOMKilled\":" + (c.oom_killed ? "true" : "false") +
         ",\"Pid\":0,\"ExitCode\":" + std::to_string(c.exit_code) +
         ",\"StartedAt\":" + quoted(c.started) + ",\"FinishedAt\":" + quoted(c.finished) + health +
         "},\"HostConfig\":{\"NetworkMode\":" + quoted(c.network_mode) +
         ",\"CgroupParent\":\"\"},\"Config\":{\"Image\":" + quoted(c.image) +
         ",\"Labels\":" + c.labels + "}}";
}

std::int64_t time_in(std::string_view target, std::string_view key) {
  auto text = target.substr(target.find(key) + key.size());
  const auto seconds = parse_number<std::int64_t>(next_part(text, '.')).value();
  return seconds * 1'000'000'000 + parse_number<std::int64_t>(next_part(text, '&')).value();
}

std::string chunk(std::string_view bytes) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return size + std::string(bytes) + "\r\n";
}

}  // namespace

std::string id_of(char digit) { return std::string(64, digit); }

FakeEngine::FakeEngine(const std::filesystem::path& socket, std::string server)
    : server_header_("Server: " + std::move(server) + "\r\n"),
      server_(std::make_unique<ScriptedServer>(socket, [this](Peer& peer) { serve(peer); })) {
  raw_["/info"] = "{\"CgroupDriver\":\"systemd\",\"CgroupVersion\":\"2\"}";
}

FakeEngine::~FakeEngine() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
}

void FakeEngine::set(char digit, const FakeContainer& container) {
  const std::scoped_lock lock(mutex_);
  const auto id = id_of(digit);
  inspected_[id] = inspect_of(id, container);
  sized_[id] = "{\"SizeRw\":" + std::to_string(container.written) + "," + inspected_[id].substr(1);
  listed_[id] = "{\"Id\":" + quoted(id) + ",\"State\":" + quoted(container.status) + "}";
}

void FakeEngine::set_raw(const std::string& target, std::string text) {
  const std::scoped_lock lock(mutex_);
  raw_[target] = std::move(text);
}

void FakeEngine::remove(char digit) {
  const std::scoped_lock lock(mutex_);
  inspected_.erase(id_of(digit));
  sized_.erase(id_of(digit));
  listed_.erase(id_of(digit));
}

void FakeEngine::refuse(char digit) {
  const std::scoped_lock lock(mutex_);
  refused_.insert("/containers/" + id_of(digit) + "/json");
}

void FakeEngine::event(char digit, std::string_view action, std::string_view attributes,
                       std::chrono::nanoseconds ago) {
  {
    const std::scoped_lock lock(mutex_);
    tick();
    const auto time_ns = last_ns_ - ago.count();
    events_.push_back({time_ns,
                       "{\"Type\":\"container\",\"Action\":\"" + std::string(action) +
                           "\",\"Actor\":{\"ID\":\"" + id_of(digit) +
                           "\",\"Attributes\":" + std::string(attributes) +
                           "},\"timeNano\":" + std::to_string(time_ns) + "}\n",
                       "%22" + std::string(action.substr(0, action.find(':'))) + "%22"});
  }
  changed_.notify_all();
}

void FakeEngine::disconnect(char digit) {
  {
    const std::scoped_lock lock(mutex_);
    tick();
    events_.push_back({last_ns_,
                       "{\"Type\":\"network\",\"Action\":\"disconnect\",\"Actor\":{\"ID\":\"" +
                           id_of('9') + "\",\"Attributes\":{\"container\":\"" + id_of(digit) +
                           "\",\"name\":\"bridge\",\"type\":\"bridge\"}},\"timeNano\":" +
                           std::to_string(last_ns_) + "}\n",
                       "%22network%22%5D%2C%22event%22%3A%5B%22create%22%2C%22start%22%2C"
                       "%22disconnect%22"});
  }
  changed_.notify_all();
}

/// The time of the next event: now, but never the same twice.
void FakeEngine::tick() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  last_ns_ = std::max<std::int64_t>(last_ns_ + 1, std::chrono::nanoseconds(now).count());
}

void FakeEngine::garbage(std::string_view bytes) {
  {
    const std::scoped_lock lock(mutex_);
    tick();
    events_.push_back({last_ns_, std::string(bytes), ""});
  }
  changed_.notify_all();
}

void FakeEngine::cut() {
  {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return streams_ > 0; });
    ++cuts_;
    streams_ = 0;
    std::erase_if(events_, [](const Sent& sent) { return !sent.text.starts_with('{'); });
  }
  changed_.notify_all();
}

void FakeEngine::forget() {
  const std::scoped_lock lock(mutex_);
  events_.clear();
}

void FakeEngine::hold(bool on) {
  {
    const std::scoped_lock lock(mutex_);
    held_ = on;
  }
  changed_.notify_all();
}

void FakeEngine::hold_sizes(bool on) {
  {
    const std::scoped_lock lock(mutex_);
    sizes_held_ = on;
  }
  changed_.notify_all();
}

std::vector<std::string> FakeEngine::requests() const { return server_->requests(); }

std::size_t FakeEngine::asked(std::string_view path) const {
  std::size_t count = 0;
  for (const auto& request : requests()) {
    const auto target = target_of(request);
    count += std::string_view(target).substr(0, target.find('?')) == path ? 1 : 0;
  }
  return count;
}

void FakeEngine::serve(Peer& peer) {
  for (auto request = peer.read_request(); !request.empty(); request = peer.read_request()) {
    const auto target = target_of(request);
    if (target.starts_with("/events")) return serve_events(peer, request);
    const auto path = target.substr(0, target.find('?'));
    const bool size = target.ends_with("?size=1");
    if (!peer.write(size ? answer_size(path) : answer(path))) return;
  }
}

std::string FakeEngine::answer_size(const std::string& path) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !sizes_held_ || stopping_; });
  for (const auto& [id, text] : sized_) {
    if (path == "/containers/" + id + "/json") return reply(200, text, server_header_);
  }
  return reply(404, "{\"message\":\"No such container\"}", server_header_);
}

std::string FakeEngine::answer(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  if (refused_.contains(path)) {
    return reply(500, "{\"message\":\"RWLayer is unexpectedly nil\"}", server_header_);
  }
  if (const auto raw = raw_.find(path); raw != raw_.end()) {
    return reply(200, raw->second, server_header_);
  }
  if (path == "/containers/json") {
    std::string all;
    for (const auto& [id, text] : listed_) all += (all.empty() ? "" : ",") + text;
    return reply(200, '[' + all + ']', server_header_);
  }
  for (const auto& [id, text] : inspected_) {
    if (path == "/containers/" + id + "/json") return reply(200, text, server_header_);
  }
  return reply(404, "{\"message\":\"No such container\"}", server_header_);
}

void FakeEngine::serve_events(Peer& peer, const std::string& request) {
  const auto target = target_of(request);
  const auto from = time_in(target, "since="), until = time_in(target, "until=");
  const std::chrono::sys_time<std::chrono::nanoseconds> end{std::chrono::nanoseconds(until)};
  if (!peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")) return;
  std::unique_lock lock(mutex_);
  const auto cuts = cuts_;
  if (end > std::chrono::system_clock::now()) ++streams_;
  changed_.notify_all();
  for (std::size_t next = 0; !stopping_ && cuts_ == cuts;) {
    if (held_ || next >= events_.size()) {
      if (changed_.wait_until(lock, end) == std::cv_status::no_timeout) continue;
      lock.unlock();
      peer.write("0\r\n\r\n");
      return;
    }
    const auto sent = events_[next++];
    if (sent.time_ns < from || sent.time_ns > until) continue;
    if (target.find(sent.wanted_by) == target.npos) continue;
    lock.unlock();
    const bool alive = peer.write(chunk(sent.text));
    lock.lock();
    if (!alive) return;
  }
}
