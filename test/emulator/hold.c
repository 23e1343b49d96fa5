/*-------------------------------------------------------------------------
 *
 * hold.c
 *	  Requests that are held: delayed, stalled, or awaiting an event.
 *
 *-------------------------------------------------------------------------
 */
#include "hold.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define TIMER_ID 0				/* of the timer among the epoll events */

/* Ordered by due; most have the same latency, so they go to the tail. */
static Hold head = {.prev = &head,.next = &head};
static uint64_t last_id = TIMER_ID;
static int	nawaits;			/* of them are HOLD_AWAIT */
static int	epoll_fd;
static int	timer_fd;

static void
set_timer(void)
{
	struct itimerspec when = {0};
	int64_t		due = head.next == &head ? HOLD_FOREVER : head.next->due;

	/* All zeroes disarms the timer. */
	if (due != HOLD_FOREVER)
	{
		when.it_value.tv_sec = due / 1000000;
		when.it_value.tv_nsec = due % 1000000 * 1000;
	}
	timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

void
hold_start(Hold *hold)
{
	struct epoll_event event = {.events = EPOLLRDHUP | EPOLLONESHOT};
	Hold	   *after = head.prev;

	MHD_suspend_connection(hold->connection);
	hold->gone = hold->timed_out = false;
	hold->id = ++last_id;
	hold->fd = MHD_get_connection_info(hold->connection,
									   MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;

	while (after != &head && after->due > hold->due)
		after = after->prev;
	hold->prev = after;
	hold->next = after->next;
	hold->prev->next = hold->next->prev = hold;
	if (after == &head)
		set_timer();

	/* The id, not the pointer: an event may come after the hold has ended. */
	event.data.u64 = hold->id;
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, hold->fd, &event);

	nawaits += hold->kind == HOLD_AWAIT;
	if (hold->kind == HOLD_STALL)
	{
		hold->scenario->stalled++;
		hold_signal(hold->scenario);
	}
}

/*
 * End a hold.  The owner may free it as soon as the lock is released.
 */
static void
end_hold(Hold *hold)
{
	hold->prev->next = hold->next;
	hold->next->prev = hold->prev;
	epoll_ctl(epoll_fd, EPOLL_CTL_DEL, hold->fd, NULL);
	nawaits -= hold->kind == HOLD_AWAIT;
	if (hold->kind == HOLD_STALL)
		hold->scenario->stalled--;
	MHD_resume_connection(hold->connection);
}

bool
hold_event_is_here(const Hold *hold)
{
	const Scenario *scenario = hold->scenario;

	switch (hold->event)
	{
		case EVENT_REQUESTS:
			return scenario->requests >= hold->wanted;
		case EVENT_STALLED:
			return scenario->stalled >= hold->wanted;
		case EVENT_INFLIGHT:
			return hold->wanted == 0 ? scenario->inflight == 0 :
				scenario->inflight >= hold->wanted;
	}
	return true;
}

void
hold_signal(Scenario *scenario)
{
	Hold	   *next;

	if (nawaits == 0)
		return;
	for (Hold *hold = head.next; hold != &head; hold = next)
	{
		next = hold->next;
		if (hold->kind == HOLD_AWAIT && hold->scenario == scenario &&
			hold_event_is_here(hold))
			end_hold(hold);
	}
}

void
hold_release(Scenario *scenario)
{
	Hold	   *next;

	for (Hold *hold = head.next; hold != &head; hold = next)
	{
		next = hold->next;
		if (hold->kind == HOLD_STALL && hold->scenario == scenario)
			end_hold(hold);
	}
}

static void
end_due(void)
{
	int64_t		now = monotonic_us();

	while (head.next != &head && head.next->due <= now)
	{
		head.next->timed_out = true;
		end_hold(head.next);
	}
	set_timer();
}

static void
end_abandoned(uint64_t id)
{
	for (Hold *hold = head.next; hold != &head; hold = hold->next)
		if (hold->id == id)
		{
			hold->gone = true;
			end_hold(hold);
			return;
		}
}

static void *
watch(void *unused)
{
	(void) unused;
	for (;;)
	{
		struct epoll_event events[64];
		int			n = epoll_wait(epoll_fd, events, 64, -1);

		pthread_mutex_lock(&state_lock);
		for (int i = 0; i < n; i++)
		{
			uint64_t	expirations;

			if (events[i].data.u64 != TIMER_ID)
				end_abandoned(events[i].data.u64);
			else if (read(timer_fd, &expirations, sizeof(expirations)) > 0)
				end_due();
		}
		pthread_mutex_unlock(&state_lock);
	}
	return NULL;
}

void
hold_init(void)
{
	struct epoll_event event = {.events = EPOLLIN,.data.u64 = TIMER_ID};
	pthread_t	thread;

	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (epoll_fd < 0 || timer_fd < 0 ||
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &event) < 0 ||
		pthread_create(&thread, NULL, watch, NULL) != 0)
	{
		perror("keyapi_emulator: cannot watch");
		exit(1);
	}
	pthread_detach(thread);
}
