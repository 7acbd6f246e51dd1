; Clock: a ball that bounces, and the minutes and seconds since the start. No keys, no randomness:
; two runs of it are the same, picture by picture.
;
; A step takes three frames, and moves the ball or turns the clock on, so that each step's work is
; done in time at 900 instructions a second.

x = V3                  ; of the ball
y = V4
dx = V5
dy = V6
steps = V7              ; left of this second
seconds = V8
minutes = V9
carry = VC              ; a minute is over
t = VA
u = VB

rate = 20               ; steps in a second
pause = 3               ; frames in a step

        LD x, 9
        LD y, 12
        LD dx, 1
        LD dy, 1
        LD steps, rate
        LD seconds, 0
        LD minutes, 0
        LD carry, 0
        LD I, colon
        LD t, 31
        LD u, 1
        DRW t, u, 4
        CALL show_seconds
        CALL show_minutes
        LD I, ball
        DRW x, y, 4

step:   LD t, DT        ; sleeps until it is time
        SE t, 0
        JP step
        LD t, pause
        LD DT, t
        SE carry, 0
        JP minute
        ADD steps, -1
        SNE steps, 0
        JP second

        LD I, ball
        DRW x, y, 4
        ADD x, dx
        ADD y, dy
        DRW x, y, 4
        SNE x, 0
        LD dx, 1
        SNE x, 60
        LD dx, -1
        SNE y, 8
        LD dy, 1
        SNE y, 28
        LD dy, -1
        JP step

second: LD steps, rate
        LD ST, t        ; a tick
        CALL show_seconds
        ADD seconds, 1
        SNE seconds, 60
        LD carry, 1
        SNE carry, 1
        LD seconds, 0
        CALL show_seconds
        JP step

minute: ADD steps, -1
        LD carry, 0
        CALL show_minutes
        ADD minutes, 1
        SNE minutes, 100
        LD minutes, 0
        CALL show_minutes
        JP step

; Draws it, or takes it away where it stands.
show_seconds:
        LD t, 34
        LD I, digits
        LD B, seconds
        JP two
show_minutes:
        LD t, 21
        LD I, digits
        LD B, minutes
two:    LD V2, [I]
        LD u, 1
        LD F, V1
        DRW t, u, 5
        ADD t, 5
        LD F, V2
        DRW t, u, 5
        RET

ball:   DB .##....., ####...., ####...., .##.....
colon:  DB #......., ........, ........, #.......
digits: DS 3
