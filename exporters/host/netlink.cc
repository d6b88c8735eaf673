#include "exporters/host/netlink.h"

#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>

#include "common/base/error.h"

namespace exporter::host {
namespace {

constexpr std::size_t kReceiveSize = 32768;  // the kernel's maximum size of a datagram
constexpr timeval kPatience{.tv_sec = 2, .tv_usec = 0};

std::size_t aligned(std::size_t size) {
  return (size + NLMSG_ALIGNTO - 1) / NLMSG_ALIGNTO * NLMSG_ALIGNTO;
}

std::span<const std::byte> after(std::span<const std::byte> bytes, std::size_t size) {
  return bytes.subspan(std::min(size, bytes.size()));
}

}  // namespace

void Netlink::dump(std::uint16_t type, std::span<const std::byte> body, const Use& use) {
  try {
    if (!open()) throw io_error("netlink socket", errno);
    send(type, body);
    while (take(receive(), use)) {
    }
  } catch (...) {
    close();  // so that a late reply is not read as the next one
    throw;
  }
}

bool Netlink::open() {
  if (socket_ >= 0) return true;
  socket_ = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol_);
  if (socket_ < 0) return false;
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  buffer_.resize(kReceiveSize);
  return true;
}

void Netlink::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

void Netlink::send(std::uint16_t type, std::span<const std::byte> body) {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<std::uint32_t>(sizeof header + body.size());
  header.nlmsg_type = type;
  header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  header.nlmsg_seq = ++sequence_;
  std::vector<std::byte> message(header.nlmsg_len);
  std::memcpy(message.data(), &header, sizeof header);
  std::memcpy(message.data() + sizeof header, body.data(), body.size());
  if (::send(socket_, message.data(), message.size(), 0) < 0) throw io_error("netlink", errno);
}

std::span<const std::byte> Netlink::receive() {
  for (;;) {
    const auto size = ::recv(socket_, buffer_.data(), buffer_.size(), MSG_TRUNC);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) throw Error(Reason::timeout, "netlink: no answer");
    if (size < 0) throw io_error("netlink", errno);
    if (static_cast<std::size_t>(size) > buffer_.size()) throw io_error("netlink", EMSGSIZE);
    return std::span(buffer_).first(static_cast<std::size_t>(size));
  }
}

/// False after the last reply.
bool Netlink::take(std::span<const std::byte> answers, const Use& use) const {
  while (answers.size() >= sizeof(nlmsghdr)) {
    const auto header = struct_at<nlmsghdr>(answers);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > answers.size()) {
      throw Error(Reason::decode, "netlink: a cut answer");
    }
    const auto body = answers.first(header.nlmsg_len).subspan(aligned(sizeof header));
    answers = after(answers, aligned(header.nlmsg_len));
    if (header.nlmsg_seq != sequence_) continue;
    if (header.nlmsg_type == NLMSG_DONE) return false;
    if (header.nlmsg_type == NLMSG_ERROR) {
      throw io_error("netlink", -struct_at<nlmsgerr>(body).error);
    }
    use(header.nlmsg_type, body);
  }
  return true;
}

void for_each_attribute(std::span<const std::byte> attributes, const Netlink::Use& use) {
  while (attributes.size() >= sizeof(nlattr)) {
    const auto header = struct_at<nlattr>(attributes);
    if (header.nla_len < sizeof header || header.nla_len > attributes.size()) return;
    use(header.nla_type & NLA_TYPE_MASK, attributes.first(header.nla_len).subspan(sizeof header));
    attributes = after(attributes, aligned(header.nla_len));
  }
}

}  // namespace exporter::host
