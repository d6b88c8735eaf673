#pragma once

#include <string>
#include <vector>

/// A listener on 127.0.0.1 whose queue is full: connections to it are not answered.
class FullServer {
 public:
  FullServer();
  ~FullServer();
  FullServer(const FullServer&) = delete;
  FullServer& operator=(const FullServer&) = delete;

  std::string url() const;

 private:
  std::vector<int> sockets_;  // the listener, then the connections in its queue
};
