#include "tests/exporters/host/fake_systemd.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>

namespace {

constexpr const char* kAddress = "DBUS_SYSTEM_BUS_ADDRESS";
constexpr const char* kUnitDirectory = "/unit/";

struct Call {
  const FakeSystemd::State& state;
  bool hung_up = false;
};

int append(sd_bus_message* reply, const FakeSystemd::Property& property) {
  sd_bus_message_open_container(reply, 'v', property.type.c_str());
  if (property.type == "t" || property.type == "u") {
    const auto number = std::stoull(property.value);
    if (property.type == "t") sd_bus_message_append(reply, "t", number);
    if (property.type == "u") sd_bus_message_append(reply, "u", static_cast<unsigned>(number));
  } else {
    sd_bus_message_append(reply, property.type.c_str(), property.value.c_str());
  }
  return sd_bus_message_close_container(reply);
}

const FakeSystemd::Property* find(const FakeSystemd::State& state, const std::string& path,
                                  std::string interface, const std::string& property) {
  interface.erase(0, std::strlen("org.freedesktop.systemd1."));
  if (interface == "Manager") {
    const auto found = state.manager.find(property);
    return found == state.manager.end() ? nullptr : &found->second;
  }
  for (std::size_t i = 0; i < state.units.size(); ++i) {
    if (path != kUnitDirectory + std::to_string(i)) continue;
    const auto found = state.units[i].properties.find(interface + '.' + property);
    if (found != state.units[i].properties.end()) return &found->second;
  }
  return nullptr;
}

int reply_units(sd_bus_message* call, const FakeSystemd::State& state) {
  sd_bus_message* reply = nullptr;
  sd_bus_message_new_method_return(call, &reply);
  sd_bus_message_open_container(reply, 'a', "(ssssssouso)");
  for (std::size_t i = 0; i < state.units.size(); ++i) {
    const auto& unit = state.units[i];
    const auto path = kUnitDirectory + std::to_string(i);
    sd_bus_message_append(reply, "(ssssssouso)", unit.name.c_str(), "A unit",
                          unit.load_state.c_str(), unit.active_state.c_str(), "sub", "",
                          path.c_str(), 0, "", "/");
  }
  sd_bus_message_close_container(reply);
  const int result = sd_bus_send(nullptr, reply, nullptr);
  sd_bus_message_unref(reply);
  return result < 0 ? result : 1;
}

int reply_property(sd_bus_message* message, const FakeSystemd::State& state) {
  const char *interface = nullptr, *name = nullptr;
  sd_bus_message_read(message, "ss", &interface, &name);
  const auto* property = find(state, sd_bus_message_get_path(message), interface, name);
  if (property == nullptr) {
    return sd_bus_reply_method_errorf(message, SD_BUS_ERROR_UNKNOWN_PROPERTY, "no %s", name);
  }
  sd_bus_message* reply = nullptr;
  sd_bus_message_new_method_return(message, &reply);
  append(reply, *property);
  const int result = sd_bus_send(nullptr, reply, nullptr);
  sd_bus_message_unref(reply);
  return result < 0 ? result : 1;
}

int on_message(sd_bus_message* message, void* data, sd_bus_error*) {
  auto& call = *static_cast<Call*>(data);
  const char* member = sd_bus_message_get_member(message);
  if (member == nullptr) return 0;
  const std::string_view name = member;
  if (name == call.state.hangs_up_at) {
    call.hung_up = true;
    return 1;
  }
  if (name == "Hello") return sd_bus_reply_method_return(message, "s", ":1.7");
  if (name == "Get") return reply_property(message, call.state);
  if (name == "ListUnits" && call.state.lists_units) return reply_units(message, call.state);
  return sd_bus_reply_method_errorf(message, SD_BUS_ERROR_ACCESS_DENIED, "refused");
}

}  // namespace

FakeSystemd::FakeSystemd(State state) : state_(std::move(state)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto path = (directory_.path() / "bus").string();
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::pipe(stop_) != 0 ||
      ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_, 4) != 0) {
    throw std::runtime_error(path);
  }
  ::setenv(kAddress, ("unix:path=" + path).c_str(), 1);
  thread_ = std::thread([this] { serve(); });
}

FakeSystemd::~FakeSystemd() {
  ::close(stop_[1]);
  thread_.join();
  ::close(stop_[0]);
  ::close(listener_);
  ::unsetenv(kAddress);
}

void FakeSystemd::serve() {
  pollfd waits[] = {{listener_, POLLIN, 0}, {stop_[0], POLLIN, 0}};
  for (;;) {
    ::poll(waits, 2, -1);
    if (waits[1].revents != 0) return;
    serve_one(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  }
}

void FakeSystemd::serve_one(int connection) {
  Call call{state_};
  sd_bus* bus = nullptr;
  sd_bus_new(&bus);
  sd_bus_set_fd(bus, connection, connection);
  sd_bus_set_server(bus, 1,
                    SD_ID128_MAKE(01, 02, 03, 04, 05, 06, 07, 08, 09, 0a, 0b, 0c, 0d, 0e, 0f, 10));
  sd_bus_set_anonymous(bus, 1);
  sd_bus_set_trusted(bus, 1);
  sd_bus_add_filter(bus, nullptr, on_message, &call);
  if (!state_.mute) sd_bus_start(bus);
  while (!call.hung_up) {
    const int done = state_.mute ? 0 : sd_bus_process(bus, nullptr);
    if (done < 0) break;
    if (done > 0) continue;
    pollfd waits[] = {{connection, POLLIN | POLLHUP, 0}, {stop_[0], POLLIN, 0}};
    if (state_.mute) waits[0].events = 0;
    ::poll(waits, 2, -1);
    if (waits[1].revents != 0 || (waits[0].revents & POLLHUP) != 0) break;
  }
  sd_bus_close_unref(bus);
}
