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

// A thread reads for one connection at a time and is done with the packet when it reads the next, but for what a long
// message keeps; so the buffer is the thread's, and idle connections keep none.
PacketBuffer& ReceiveBuffer() {
  thread_local PacketBuffer buffer;
  buffer.MakeUnshared();
  return buffer;
}

// What the connection's own thread reads at most before it tells of it.
constexpr int kPacketsATurn = 64;
// Of its turns in which only one packet had come, one in so many looks for a second.
constexpr unsigned kTurnsALook = 8;

// How long the connection's own thread is kept without work.
constexpr absl::Duration kIdleThreadLife = absl::Seconds(10);

}  // namespace

void SeqpacketConnection::WaitOnce(SeqpacketCall& call) {
  if (!to_tell_.empty()) WakeThread();  // by what this thread sent
  const bool claimed = call.state == SeqpacketCall::State::kClaimed;
  if (!claimed && !reading_ && !lost_) return ReadOnce(&call);
  if (reading_for_ == nullptr && watched_calls_ == 0) {  // the connection's own thread makes way for one that waits
    lingers_ = false;
    WakeReader();
  }
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
  Deadline deadline = call == nullptr ? NextWatchedDeadline() : call->deadline;
  if (call == nullptr && watched_calls_ == 0) {
    deadline = std::min(deadline, Deadline::After(kIdleThreadLife, Deadline::Clock::now()));
    lingers_ = false;  // unless it is told otherwise meanwhile
  }
  reading_ = true;
  reader_sleeps_ = true;
  reading_for_ = call;
  const bool want_write = sender_.waits_for_room();
  const bool send_again = sender_.starved();
  const Deadline& next = std::min(deadline, keepalive_.next());
  const Deadline::Clock::time_point now = Deadline::Clock::now();
  const absl::Duration timeout = std::min(next.Remaining(now), send_again ? kSendRetry : absl::InfiniteDuration());
  reader_woken_.store(false, std::memory_order_relaxed);
  mutex_.Unlock();
  PacketBuffer& buffer = ReceiveBuffer();
  bool writable = false;
  IoResult received = Receive(buffer.data(), want_write, &writable, now, timeout);
  mutex_.Lock();
  reader_sleeps_ = false;
  reading_for_ = nullptr;
  if ((writable || send_again) && sender_.blocked()) {
    sender_.OnWritable();
    Flush();
  }
  OnReceived(received, buffer);
  if (call == nullptr && received.outcome == IoOutcome::kDone && watched_calls_ > 1) ReadOn(buffer);
  reading_ = false;
  if (call != nullptr && !to_tell_.empty()) WakeThread();
}

void SeqpacketConnection::ReadOn(PacketBuffer& buffer) {
  bool look = more_came_ || ++turns_ % kTurnsALook == 0;
  for (int i = 1; look && i < kPacketsATurn && !lost_; ++i) {
    mutex_.Unlock();
    buffer.MakeUnshared();
    const IoResult received = TryReceive(buffer.data());
    mutex_.Lock();
    OnReceived(received, buffer);
    look = received.outcome == IoOutcome::kDone;
    more_came_ = look;
  }
}

IoResult SeqpacketConnection::TryReceive(char* buffer) {
  return fd_receiver_ == nullptr ? ReceivePacket(socket_.get(), buffer, wire::kMaxPacketBytes)
                                 : ReceivePacket(socket_.get(), buffer, wire::kMaxPacketBytes, fd_receiver_->packet());
}

IoResult SeqpacketConnection::Receive(char* buffer, bool want_write, bool* writable, Deadline::Clock::time_point now,
                                      absl::Duration patience) {
  IoResult received{.outcome = IoOutcome::kWouldBlock};
  const auto attempt = [&] {
    received = TryReceive(buffer);
    return received.outcome != IoOutcome::kWouldBlock || reader_woken_.load(std::memory_order_relaxed);
  };
  // However much comes, it is to be seen when there is room to send.
  if (!want_write) {
    if (spin_.BudgetAt(now).count() > 0) {
      if (!attempt()) Spin(spin_, now, absl::ToChronoNanoseconds(patience), attempt);
    } else if (try_.Worthwhile()) {
      try_.OnTried(attempt());
    }
    if (received.outcome != IoOutcome::kWouldBlock) return received;
  }
  if (patience != absl::InfiniteDuration()) {
    patience = std::max(patience - absl::FromChrono(Deadline::Clock::now() - now), absl::ZeroDuration());
  }
  const Readiness ready = WaitForSocket(socket_.get(), want_write, wake_event_.get(), patience);
  if (ready.woken) ClearWakeEvent(wake_event_.get());
  *writable = ready.writable;
  if (!ready.readable) return received;
  spin_.OnSlept(now, SpinPolicy::Clock::now());
  return TryReceive(buffer);
}

bool SeqpacketConnection::LookAlive() {
  const Session session(*this);
  IoResult received{.outcome = IoOutcome::kDone};
  while (received.outcome == IoOutcome::kDone && !reading_ && !going_away_) {
    reading_ = true;
    mutex_.Unlock();
    PacketBuffer& buffer = ReceiveBuffer();
    received = TryReceive(buffer.data());
    mutex_.Lock();
    OnReceived(received, buffer);
    reading_ = false;
  }
  return !going_away_;
}

void SeqpacketConnection::OnReceived(const IoResult& received, const PacketBuffer& buffer) {
  switch (received.outcome) {
    case IoOutcome::kDone:
      if (keepalive_.enabled()) keepalive_.Restart(Deadline::Clock::now());
      if (received.truncated) {
        Reject("a packet is larger than the protocol allows");
      } else {
        OnPacket(absl::string_view(buffer.data(), received.bytes), buffer);
      }
      if (fd_receiver_ != nullptr) fd_receiver_->packet();  // closes what no frame has
      break;
    case IoOutcome::kWouldBlock:
    case IoOutcome::kNoMemory:
      CheckAlive();
      break;
    case IoOutcome::kClosed:
      Lose("the server closed it or died");
      break;
    case IoOutcome::kFailed:
      Lose(absl::StrCat("cannot receive: ", ErrnoText(received.error)));
      ShutdownSocket(socket_.get());  // as in Reject
      break;
  }
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
  if (has_thread_ && (lost_ || (retired_ && calls_.empty()))) {
    work_.Signal();
    WakeReader();
  }
  if (!to_tell_.empty()) return WakeThread();
  if (HasWork() && !reading_ && followers_.empty()) WakeThread();
}

void SeqpacketConnection::WakeThread() {
  if (has_thread_) {
    work_.Signal();
    if (reading_for_ == nullptr) WakeReader();
    return;
  }
  try {
    StartThread();
  } catch (const std::system_error&) {
    // No thread to be had: the next caller goes on with it.
  }
}

void SeqpacketConnection::StartThread() {
  if (has_thread_) return;
  if (thread_.joinable()) thread_.join();  // it has left ThreadMain
  thread_ = std::thread(&SeqpacketConnection::ThreadMain, shared_from_this());
  has_thread_ = true;
}

bool SeqpacketConnection::HasWork() const {
  if (!to_tell_.empty()) return true;
  if (lost_ || (retired_ && calls_.empty())) return false;
  return sender_.blocked() || watched_calls_ > 0 || lingers_;
}

void SeqpacketConnection::ThreadMain() {
  internal::MutexLock lock(mutex_);
  for (;;) {
    ExpireWatched();
    if (!to_tell_.empty()) {
      HandOnReading();
      TellAll();
    } else if (HasWork() && !reading_ && (watched_calls_ > 0 || followers_.empty())) {
      ReadOnce(nullptr);
    } else if (!HasWork() && (retired_ || lost_) && watchers_ == 0) {
      break;
    } else {
      HandOnReading();
      const Deadline next = std::min(NextWatchedDeadline(), Deadline::After(kIdleThreadLife, Deadline::Clock::now()));
      const bool idle = work_.WaitWithTimeout(mutex_, next.Remaining(Deadline::Clock::now()));
      if (idle && !HasWork() && watchers_ == 0) break;
    }
  }
  HandOnReading();
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
  if (!reader_sleeps_) return;
  reader_woken_.store(true, std::memory_order_relaxed);
  SignalWakeEvent(wake_event_.get());
}

void SeqpacketConnection::Wake(SeqpacketCall& call) {
  for (Waiter* waiter : call.waiters) waiter->wake.Signal();
  if (call.watcher != nullptr) Tell(call);
}

void SeqpacketConnection::WakeNextWriter() {
  SeqpacketCall* const next = send_credit_.Next();
  if (next == nullptr) return;
  Wake(*next);
  if (next == reading_for_) WakeReader();
}

void SeqpacketConnection::WakeAll() {
  for (Waiter* waiter : followers_) waiter->wake.Signal();
}

}  // namespace udsrpc
