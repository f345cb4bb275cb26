#include <algorithm>
#include <memory>
#include <string>
#include <system_error>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/src/seqpacket_connection.h"
#include "common/src/socket/socket.h"
#include "common/src/wire/limits.h"

// Who waits, and who reads for all.

namespace udsrpc {
namespace {

// A thread reads for one connection at a time and is done with the packet when it reads the next, so the buffer is the
// thread's: idle connections keep none.
char* ReceiveBuffer() {
  thread_local std::unique_ptr<char[]> buffer(new char[wire::kMaxPacketBytes]);
  return buffer.get();
}

// How long the connection's own thread is kept without work.
constexpr absl::Duration kIdleThreadLife = absl::Seconds(10);

}  // namespace

void SeqpacketConnection::WaitOnce(SeqpacketCall& call) {
  const bool claimed = call.state == SeqpacketCall::State::kClaimed;
  if (!claimed && !reading_ && !lost_) return ReadOnce(&call);
  if (reading_for_ == nullptr) WakeReader();  // a thread of the connection's own makes way for one that waits
  Waiter waiter;
  followers_.insert(&waiter);
  call.waiters.push_back(&waiter);
  if (claimed || call.deadline.never()) {
    waiter.wake.Wait(mutex_);
  } else {
    waiter.wake.WaitWithTimeout(mutex_, call.deadline.Remaining(Deadline::Clock::now()));
  }
  followers_.erase(&waiter);
  call.waiters.erase(std::find(call.waiters.begin(), call.waiters.end(), &waiter));
}

void SeqpacketConnection::ReadOnce(const SeqpacketCall* call) {
  const Deadline deadline = call == nullptr ? Deadline() : call->deadline;
  reading_ = true;
  reader_sleeps_ = true;
  reading_for_ = call;
  const bool want_write = sender_.blocked();
  const Deadline& next = std::min(deadline, keepalive_.next());
  const absl::Duration timeout = next.never() ? absl::InfiniteDuration() : next.Remaining(Deadline::Clock::now());
  mutex_.Unlock();
  const Readiness ready = WaitForSocket(socket_.get(), want_write, wake_event_.get(), timeout);
  if (ready.woken) ClearWakeEvent(wake_event_.get());
  char* const buffer = ReceiveBuffer();
  IoResult received{.outcome = IoOutcome::kWouldBlock};
  if (ready.readable) received = ReceivePacket(socket_.get(), buffer, wire::kMaxPacketBytes);
  mutex_.Lock();
  reader_sleeps_ = false;
  reading_for_ = nullptr;
  if (ready.writable && sender_.blocked()) {
    sender_.OnWritable();
    Flush();
  }
  switch (received.outcome) {
    case IoOutcome::kDone:
      keepalive_.Restart(Deadline::Clock::now());
      if (received.truncated) {
        Reject("a packet is larger than the protocol allows");
      } else {
        OnPacket(absl::string_view(buffer, received.bytes));
      }
      break;
    case IoOutcome::kWouldBlock:
      CheckAlive();
      break;
    case IoOutcome::kClosed:
      Lose("the server closed it or died");
      break;
    case IoOutcome::kFailed:
      Lose(absl::StrCat("cannot receive: errno ", received.error));
      break;
  }
  reading_ = false;
}

void SeqpacketConnection::CheckAlive() {
  if (keepalive_.next().never()) return;
  switch (keepalive_.Look(Deadline::Clock::now())) {
    case Keepalive::Step::kWait:
      break;
    case Keepalive::Step::kAsk:
      sender_.control().AppendFrame(wire::PingFrame{.token = 0});
      Flush();
      break;
    case Keepalive::Step::kGiveUp:
      Lose(absl::StrCat("the server has not answered for ", absl::FormatDuration(limits_.keepalive_timeout),
                        "; does it hang?"));
      break;
  }
}

void SeqpacketConnection::HandOnReading() {
  if (!reading_ && !followers_.empty()) (*followers_.begin())->wake.Signal();
}

void SeqpacketConnection::HandOn() {
  HandOnReading();
  if (has_thread_ && retired_ && calls_.empty()) {
    work_.Signal();
    WakeReader();
  }
  if (!HasWork() || reading_ || !followers_.empty()) return;
  if (has_thread_) return work_.Signal();
  if (thread_.joinable()) thread_.join();  // it has left ThreadMain
  try {
    thread_ = std::thread(&SeqpacketConnection::ThreadMain, shared_from_this());
    has_thread_ = true;
  } catch (const std::system_error&) {
    // No thread to be had: the next caller goes on with it.
  }
}

bool SeqpacketConnection::HasWork() const {
  if (lost_ || (retired_ && calls_.empty())) return false;
  return sender_.blocked();
}

void SeqpacketConnection::ThreadMain() {
  internal::MutexLock lock(mutex_);
  for (;;) {
    if (HasWork() && !reading_ && followers_.empty()) {
      ReadOnce(nullptr);
      HandOnReading();
    } else if (!HasWork() && (retired_ || lost_)) {
      break;
    } else if (work_.WaitWithTimeout(mutex_, kIdleThreadLife) && !HasWork()) {
      break;
    }
  }
  has_thread_ = false;
}

void SeqpacketConnection::Retire() {
  const Session session(*this);
  retired_ = true;
}

SeqpacketConnection::~SeqpacketConnection() {
  if (!thread_.joinable()) return;
  if (thread_.get_id() == std::this_thread::get_id()) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

void SeqpacketConnection::WakeReader() {
  if (reader_sleeps_) SignalWakeEvent(wake_event_.get());
}

void SeqpacketConnection::Wake(const SeqpacketCall& call) {
  for (Waiter* waiter : call.waiters) waiter->wake.Signal();
}

void SeqpacketConnection::WakeNextWriter() {
  const SeqpacketCall* const next = send_credit_.Next();
  if (next == nullptr) return;
  Wake(*next);
  if (next == reading_for_) WakeReader();
}

void SeqpacketConnection::WakeAll() {
  for (Waiter* waiter : followers_) waiter->wake.Signal();
}

}  // namespace udsrpc
