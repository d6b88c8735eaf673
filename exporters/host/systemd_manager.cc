#include "exporters/host/systemd_manager.h"

#include <dlfcn.h>
#include <systemd/sd-bus.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "common/base/error.h"

namespace exporter::host {
namespace {

constexpr const char* kService = "org.freedesktop.systemd1";
constexpr const char* kPath = "/org/freedesktop/systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";

/// The functions of libsystemd that are used, by their names there.
struct Library {
  decltype(&::sd_bus_call_method) call_method;
  decltype(&::sd_bus_close_unref) close_unref;
  decltype(&::sd_bus_get_property_string) get_property_string;
  decltype(&::sd_bus_get_property_trivial) get_property_trivial;
  decltype(&::sd_bus_is_open) is_open;
  decltype(&::sd_bus_is_ready) is_ready;
  decltype(&::sd_bus_message_enter_container) enter_container;
  decltype(&::sd_bus_message_read) read;
  decltype(&::sd_bus_message_unref) unref;
  decltype(&::sd_bus_open_system) open_system;
  decltype(&::sd_bus_process) process;
  decltype(&::sd_bus_set_method_call_timeout) set_method_call_timeout;
  decltype(&::sd_bus_wait) wait;
};

template <class Function>
void find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  if (function == nullptr) {
    throw Error(Reason::io, std::string("libsystemd.so.0 has no ") + name);
  }
}

Library load() {
  void* library = ::dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw Error(Reason::io, ::dlerror());
  Library functions{};
  find(library, "sd_bus_call_method", functions.call_method);
  find(library, "sd_bus_close_unref", functions.close_unref);
  find(library, "sd_bus_get_property_string", functions.get_property_string);
  find(library, "sd_bus_get_property_trivial", functions.get_property_trivial);
  find(library, "sd_bus_is_open", functions.is_open);
  find(library, "sd_bus_is_ready", functions.is_ready);
  find(library, "sd_bus_message_enter_container", functions.enter_container);
  find(library, "sd_bus_message_read", functions.read);
  find(library, "sd_bus_message_unref", functions.unref);
  find(library, "sd_bus_open_system", functions.open_system);
  find(library, "sd_bus_process", functions.process);
  find(library, "sd_bus_set_method_call_timeout", functions.set_method_call_timeout);
  find(library, "sd_bus_wait", functions.wait);
  return functions;
}

/// Loaded once and never unloaded; tried again after a failure.
const Library& library() {
  static const Library kLibrary = load();
  return kLibrary;
}

std::uint64_t microseconds_left(const Deadline& deadline) {
  deadline.check();
  const auto left = std::chrono::duration_cast<std::chrono::microseconds>(deadline.left());
  return static_cast<std::uint64_t>(std::max<std::int64_t>(left.count(), 1));
}

Error lost(int error) {
  const auto text = io_error("the system's message bus", error);
  return Error(Reason::connect, text.what());
}

}  // namespace

SystemdManager::SystemdManager(const Deadline& deadline) {
  if (const int error = library().open_system(&bus_); error < 0) throw lost(-error);
  try {
    while (library().is_ready(bus_) <= 0) {
      const int done = library().process(bus_, nullptr);
      if (done < 0) throw lost(-done);
      if (done == 0) library().wait(bus_, microseconds_left(deadline));
    }
  } catch (...) {
    library().close_unref(bus_);
    throw;
  }
}

SystemdManager::~SystemdManager() { library().close_unref(bus_); }

std::vector<SystemdManager::Unit> SystemdManager::units(const Deadline& deadline) {
  limit(deadline);
  sd_bus_message* received = nullptr;
  const int result = library().call_method(bus_, kService, kPath, kManager, "ListUnits", nullptr,
                                           &received, nullptr);
  const std::unique_ptr<sd_bus_message, decltype(library().unref)> reply(received, library().unref);
  std::vector<Unit> units;
  int more = result < 0 ? result : library().enter_container(received, 'a', "(ssssssouso)");
  while (more > 0) {
    const char *name, *load, *active, *path;
    more = library().read(received, "(ssssssouso)", &name, nullptr, &load, &active, nullptr,
                          nullptr, &path, nullptr, nullptr, nullptr);
    if (more > 0) units.push_back({name, load, active, path});
  }
  if (!succeeded(more, deadline)) throw Error(Reason::query, "systemd did not list its units");
  return units;
}

std::optional<std::string> SystemdManager::manager_text(const char* property,
                                                        const Deadline& deadline) {
  return text_at(kPath, kManager, property, deadline);
}

std::optional<std::string> SystemdManager::text(const Unit& unit, const char* kind,
                                                const char* property, const Deadline& deadline) {
  return text_at(unit.path.c_str(), std::string(kService) + '.' + kind, property, deadline);
}

std::optional<std::uint32_t> SystemdManager::number32(const Unit& unit, const char* kind,
                                                      const char* property,
                                                      const Deadline& deadline) {
  std::uint32_t value = 0;
  if (!number_at(unit, kind, property, 'u', &value, deadline)) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> SystemdManager::number64(const Unit& unit, const char* kind,
                                                      const char* property,
                                                      const Deadline& deadline) {
  std::uint64_t value = 0;
  if (!number_at(unit, kind, property, 't', &value, deadline)) return std::nullopt;
  return value;
}

std::optional<std::string> SystemdManager::text_at(const char* path, const std::string& interface,
                                                   const char* property, const Deadline& deadline) {
  limit(deadline);
  char* value = nullptr;
  const int result = library().get_property_string(bus_, kService, path, interface.c_str(),
                                                   property, nullptr, &value);
  const std::unique_ptr<char, decltype(&std::free)> owner(value, &std::free);
  if (!succeeded(result, deadline)) return std::nullopt;
  return value;
}

bool SystemdManager::number_at(const Unit& unit, const char* kind, const char* property, char type,
                               void* value, const Deadline& deadline) {
  limit(deadline);
  const auto interface = std::string(kService) + '.' + kind;
  const int result = library().get_property_trivial(
      bus_, kService, unit.path.c_str(), interface.c_str(), property, nullptr, type, value);
  return succeeded(result, deadline);
}

/// Limits the next call to the deadline.
void SystemdManager::limit(const Deadline& deadline) {
  library().set_method_call_timeout(bus_, microseconds_left(deadline));
}

/// False if the reply was a rejection: a property of another version, a unit that is gone.
bool SystemdManager::succeeded(int result, const Deadline& deadline) const {
  if (result >= 0) return true;
  if (result == -ETIMEDOUT) {
    deadline.check();
    throw Error(Reason::timeout, "systemd does not answer");
  }
  if (library().is_open(bus_) <= 0) throw lost(-result);
  return false;
}

}  // namespace exporter::host
