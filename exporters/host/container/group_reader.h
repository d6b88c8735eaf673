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

/// Brings what is known of groups up to date: what they use, their processes, and the network and
/// the file system of these.
class GroupReader {
 public:
  /// `root` is where the tree of `hierarchies` is mounted in which groups are looked for; both are
  /// only looked at by refresh().
  GroupReader(const Host& host, const Hierarchies& hierarchies, const std::string& root)
      : root_(root),
        usage_(hierarchies, host.proc(), problems_),
        network_(host),
        layers_(host),
        proc_(host.proc()) {}

  /// All that have a group. What cannot be understood is noted.
  void refresh(const std::vector<Shown>& all, const Deadline& deadline);
  /// Of the containers that share a network, as in a pod, the one that joined no other's, and that
  /// began first. The host's own network is no container's.
  std::set<const Group*> network_owners(const std::vector<Shown>& all) const;
  /// Of the network that its processes are in.
  std::vector<Interface> interfaces(const Group& group);

  /// Of the last refresh() and since.
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
