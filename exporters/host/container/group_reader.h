#pragma once

#include <set>
#include <string>
#include <vector>

#include "common/base/deadline.h"
#include "exporters/host/container/cgroups.h"
#include "exporters/host/container/layers.h"
#include "exporters/host/container/network.h"
#include "exporters/host/container/roster.h"
#include "exporters/host/container/usage.h"

namespace exporter::host::container {

/// Updates the state of groups: their usage, their processes, and the network and file system of
/// these.
class GroupReader {
 public:
  /// `root` is the mount of the tree in `hierarchies` in which groups are found; both are used only
  /// by refresh().
  GroupReader(const Host& host, const Hierarchies& hierarchies, const std::string& root)
      : root_(root),
        usage_(hierarchies, host.proc(), problems_),
        network_(host),
        layers_(host),
        proc_(host.proc()) {}

  /// Updates all that have a group. Files that cannot be parsed are noted.
  void refresh(const std::vector<Shown>& all, const Deadline& deadline);
  /// For each network that containers share, as in a pod, the container that did not join another's
  /// network and started first. The host's own network belongs to no container.
  std::set<const Group*> network_owners(const std::vector<Shown>& all) const;
  /// The interfaces of the network that its processes are in.
  std::vector<Interface> interfaces(const Group& group);

  /// The problems since the last refresh() started.
  const Problems& problems() const { return problems_; }

 private:
  void refresh(const Shown& shown);
  void find_processes(const Shown& shown, bool due);
  template <class Read>
  void attempt(const Read& read);

  const std::string& root_;
  Problems problems_;
  UsageReader usage_;
  Network network_;
  Layers layers_;
  Files proc_;
  std::string buffer_;
};

}  // namespace exporter::host::container
